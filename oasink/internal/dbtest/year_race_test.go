//go:build race

package dbtest

// Under the race detector all is some ten times slower.
const yearUsualSeeds, yearUsualDays, yearUsualPeople, yearMostPeople = 1, 60, 12, 12
