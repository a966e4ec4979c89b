//go:build !race

package dbtest

// The year of a few hundred people takes a minute, those of small companies a quarter.
const yearUsualSeeds, yearUsualDays, yearUsualPeople, yearMostPeople = 3, 366, 40, 200
