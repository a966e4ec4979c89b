package scheduler_test

import "context"

func nothing(context.Context) error { return nil }
