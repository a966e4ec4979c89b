package fake

import "fmt"

// Mix mixes a seed with three numbers, as a source of believable details that
// are alike in every run (the finalizer of splitmix64).
func Mix(seed uint64, person, day, slot int) uint64 {
	x := seed ^ uint64(person+1)*0x9e3779b97f4a7c15 ^ uint64(day+2)*0xbf58476d1ce4e5b9 ^ uint64(slot+3)*0x94d049bb133111eb
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// PersonName is a common Chinese name, chosen by the lowest 20 bits of h.
func PersonName(h uint64) string {
	surnames := [...]string{"王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴"}
	given := [...]string{"伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超"}
	return surnames[h%10] + given[h>>8%16] + given[h>>16%16]
}

// The organisation of a company of any size.
const (
	perTeam          = 50
	teamsPerDivision = 20
	firstTeam        = 1000
	firstDivision    = firstTeam + 100000
)

// Teams tells the departments of a company of so many people, a division before its
// teams. The parent of a division is 0, the root.
func Teams(people int, department func(id, parent int64, name string)) {
	for team := 0; team*perTeam < people; team++ {
		division := int64(firstDivision + team/teamsPerDivision)
		if team%teamsPerDivision == 0 {
			department(division, 0, fmt.Sprintf("第%d事业部", team/teamsPerDivision+1))
		}
		department(int64(firstTeam+team), division, fmt.Sprintf("第%d组", team+1))
	}
}

// TeamOf is the department of a person, counted from 0.
func TeamOf(person int) int64 { return int64(firstTeam + person/perTeam) }
