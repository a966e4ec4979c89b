//go:build !race

package dbtest

// Three years of a small company take half a minute.
const yearUsualSeeds, yearUsualDays, yearUsualPeople = 3, 366, 50
