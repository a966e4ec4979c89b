package oasink_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/punchbridge/punchbridge/oasink"
)

func TestReadPairs(t *testing.T) {
	pairs, err := oasink.ReadPairs(strings.NewReader("\ufeffAccount, name ,employee_id\r\n staff017 ,张三, 17 \r\n\r\n,李四,18\r\n\"a,b\",王五,19\r\n"))
	require.NoError(t, err)
	require.Equal(t, []oasink.Pair{{Person: "17", Account: "staff017"}, {Person: "19", Account: "a,b"}}, pairs)
	for text, want := range map[string]string{
		"":                                 "empty",
		"employee_id,account\n17,\xd5\xc5": "UTF-8",
		"id,account\n":                     "header",
		"employee_id,account\nx,y":         "line 2",
		"employee_id,account\n1,a\n17\n":   "line 3",
		"employee_id,account\n17,\"a\n":    "line",
		"employee_id,account\n-1,a\n":      "no id",
	} {
		_, err := oasink.ReadPairs(strings.NewReader(text))
		require.ErrorContains(t, err, want, "%q", text)
	}
}
