package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// exampleConfig is bridge.example.yaml with secrets in it.
func exampleConfig(t *testing.T) string {
	t.Helper()
	return regexp.MustCompile(`\$\{\w+\}`).ReplaceAllString(readText(t, "bridge.example.yaml"), "secret")
}

func readText(t *testing.T, name ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(name...))
	require.NoError(t, err)
	return string(text)
}

// validConfig reads a configuration as the program does; variables are looked up.
func validConfig(t *testing.T, text string, lookup func(string) (string, bool)) *config {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bridge.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	c, err := readConfig(file, lookup)
	require.NoError(t, err)
	return c
}

// validCommand parses the command line of a manifest as the program does, and looks for
// its job in the configuration that belongs to it.
func validCommand(t *testing.T, c *config, args []string) command {
	t.Helper()
	command, err := parseCommand(args)
	require.NoError(t, err, args)
	if command.job != "" {
		_, err := c.job(command.job)
		require.NoError(t, err)
	}
	return command
}

// The parts of Kubernetes' objects that matter here; others are checked for their names.
type podSpec struct {
	TerminationGracePeriodSeconds int    `yaml:"terminationGracePeriodSeconds"`
	RestartPolicy                 string `yaml:"restartPolicy"`
	Containers                    []struct {
		Name, Image string
		Args        []string
		EnvFrom     []struct {
			SecretRef struct{ Name string } `yaml:"secretRef"`
		} `yaml:"envFrom"`
		Ports []struct {
			ContainerPort int `yaml:"containerPort"`
		}
		ReadinessProbe struct {
			HTTPGet struct{ Path, Port string } `yaml:"httpGet"`
		} `yaml:"readinessProbe"`
		VolumeMounts []struct {
			MountPath string `yaml:"mountPath"`
		} `yaml:"volumeMounts"`
	}
}

type object struct {
	Kind       string
	Metadata   struct{ Name string }
	Data       map[string]string
	StringData map[string]string `yaml:"stringData"`
	Spec       struct {
		Schedule    string
		TimeZone    string `yaml:"timeZone"`
		Template    struct{ Spec podSpec }
		JobTemplate struct {
			Spec struct{ Template struct{ Spec podSpec } }
		} `yaml:"jobTemplate"`
	}
}

func objects(t *testing.T, name string) map[string]object {
	t.Helper()
	all := make(map[string]object)
	decoder := yaml.NewDecoder(strings.NewReader(readText(t, "../deploy/kubernetes", name)))
	for {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err, name)
		all[o.Kind] = o
	}
}

func TestKubernetes(t *testing.T) {
	t.Parallel()
	shared := objects(t, "config.yaml")
	secret := shared["Secret"]
	c := validConfig(t, shared["ConfigMap"].Data["bridge.yaml"], func(name string) (string, bool) {
		value, ok := secret.StringData[name]
		return value, ok
	})
	deployment, cronJob := objects(t, "deployment.yaml")["Deployment"], objects(t, "cronjob.yaml")["CronJob"]
	pods := map[string]podSpec{"serve": deployment.Spec.Template.Spec, "run": cronJob.Spec.JobTemplate.Spec.Template.Spec}
	for name, pod := range pods {
		require.Len(t, pod.Containers, 1, name)
		container := pod.Containers[0]
		command := validCommand(t, c, container.Args)
		require.Equal(t, name, command.name)
		require.Equal(t, container.VolumeMounts[0].MountPath+"/bridge.yaml", command.config)
		require.Equal(t, secret.Metadata.Name, container.EnvFrom[0].SecretRef.Name)
	}
	serve := pods["serve"]
	require.Greater(t, time.Duration(serve.TerminationGracePeriodSeconds)*time.Second, stopDeadline)
	require.Equal(t, "/healthz", serve.Containers[0].ReadinessProbe.HTTPGet.Path)
	require.Equal(t, "0.0.0.0:9100", c.listen)
	require.Equal(t, 9100, serve.Containers[0].Ports[0].ContainerPort)
	require.NotEqual(t, "sqlite", c.state.driver, "a pod's disk is gone with the pod")
	require.Equal(t, "Never", pods["run"].RestartPolicy)
	require.Equal(t, c.zone.String(), cronJob.Spec.TimeZone)
	require.Equal(t, "30 12,23 * * *", cronJob.Spec.Schedule)
	require.Equal(t, []clockTime{12*60 + 30, 23*60 + 30}, c.jobs[0].times, "the same times either way")
}

// unit reads a unit of systemd: section, key and values.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	all, section := make(map[string][]string), ""
	for line := range strings.Lines(readText(t, "../deploy/systemd", name)) {
		line = strings.TrimSpace(line)
		switch key, value, ok := strings.Cut(line, "="); {
		case line == "" || line[0] == '#':
		case line[0] == '[' && line[len(line)-1] == ']':
			section = strings.Trim(line, "[]")
		default:
			require.True(t, ok && section != "", "%s: %s", name, line)
			all[section+"."+key] = append(all[section+"."+key], value)
		}
	}
	return all
}

func TestSystemd(t *testing.T) {
	t.Parallel()
	c := validConfig(t, exampleConfig(t), os.LookupEnv)
	for name, want := range map[string]string{"punchbridge.service": "serve", "punchbridge-run@.service": "run"} {
		u := unit(t, name)
		require.Len(t, u["Service.ExecStart"], 1)
		args := strings.Fields(strings.ReplaceAll(u["Service.ExecStart"][0], "%i", "hq-dingtalk-daily"))
		command := validCommand(t, c, args[1:])
		require.Equal(t, want, command.name)
		require.Equal(t, "/var/lib/"+u["Service.StateDirectory"][0], filepath.Dir(command.config), "the state stands beside the configuration")
		require.Equal(t, "/opt/punchbridge/current/bridge", args[0])
	}
	serve := unit(t, "punchbridge.service")
	require.Equal(t, []string{"2"}, serve["Service.RestartPreventExitStatus"])
	require.Equal(t, exitUsage, 2)
	patience, err := time.ParseDuration(serve["Service.TimeoutStopSec"][0] + "s")
	require.NoError(t, err)
	require.Greater(t, patience, stopDeadline)
	require.Len(t, unit(t, "punchbridge-run@.timer")["Timer.OnCalendar"], 1)
}

func TestWindows(t *testing.T) {
	t.Parallel()
	c := validConfig(t, exampleConfig(t), os.LookupEnv)
	line := regexp.MustCompile(`C:\\punchbridge\\bridge\.exe (-[^"\r\n]*)`)
	for name, want := range map[string][]string{"install.cmd": {"serve", "check"}, "task.cmd": {"run"}} {
		var got []string
		for _, found := range line.FindAllStringSubmatch(readText(t, "../deploy/windows", name), -1) {
			command := validCommand(t, c, strings.Fields(found[1]))
			require.Equal(t, `C:\punchbridge\bridge.yaml`, command.config)
			if command.name != "check" {
				require.NotEmpty(t, command.log, "what a service prints is lost otherwise")
			}
			got = append(got, command.name)
		}
		require.Equal(t, want, got)
	}
}
