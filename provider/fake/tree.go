package fake

import "slices"

// A Tree holds the departments of a company: who is below whom. The zero value is
// empty. It is not safe for concurrent use, but slices that it returned stay as
// they are.
type Tree struct {
	parents  map[int64]int64
	children map[int64][]int64 // in the order of adding
}

// Put adds a department, or moves it to another parent, where it then comes last.
// Parent zero is none; a parent need not exist yet.
func (t *Tree) Put(id, parent int64) {
	if t.parents == nil {
		t.parents, t.children = map[int64]int64{}, map[int64][]int64{}
	}
	if old := t.parents[id]; old != 0 {
		t.children[old] = Without(t.children[old], id)
	}
	t.parents[id] = parent
	if parent != 0 {
		t.children[parent] = append(t.children[parent], id)
	}
}

// Children are the departments directly below, in the order of adding.
func (t *Tree) Children(id int64) []int64 { return t.children[id] }

// Below are the department and all departments below it, each once, whatever
// circles the parents make.
func (t *Tree) Below(id int64) []int64 {
	found := []int64{id}
	seen := map[int64]bool{id: true}
	for i := 0; i < len(found); i++ {
		for _, child := range t.children[found[i]] {
			if !seen[child] {
				seen[child] = true
				found = append(found, child)
			}
		}
	}
	return found
}

// Within reports whether the department is one of roots or below one.
func (t *Tree) Within(id int64, roots []int64) bool {
	for range len(t.parents) + 1 { // more steps than that are a circle
		if slices.Contains(roots, id) {
			return true
		}
		if id = t.parents[id]; id == 0 {
			return false
		}
	}
	return false
}

// Without returns a new slice that lacks one value, because readers may still
// hold the old slice.
func Without[T comparable](list []T, one T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(x T) bool { return x == one })
}
