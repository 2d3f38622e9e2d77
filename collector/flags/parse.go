package flags

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"opsmanager_exporter/config/nearest"
)

// Parse parses the command line. Its error says what is wrong and, if possible, what
// was meant.
func Parse(app *kingpin.Application, args []string) (command string, err error) {
	line := commandLine{app.Model(), args}
	if err := line.missingValue(); err != nil {
		return "", err
	}
	command, err = app.Parse(args)
	if err != nil {
		return "", line.explain(err)
	}
	return command, nil
}

// commandLine holds the arguments and the flags and commands that exist.
type commandLine struct {
	app  *kingpin.ApplicationModel
	args []string
}

// missingValue returns an error if a flag lacks its value. With a default command,
// kingpin ignores such a flag.
func (l commandLine) missingValue() error {
	groups := []*kingpin.FlagGroupModel{l.app.FlagGroupModel}
	for _, c := range l.app.Commands {
		groups = append(groups, c.FlagGroupModel)
	}
	for i, arg := range l.args {
		if arg == "--" {
			break
		}
		if i+1 < len(l.args) && !strings.HasPrefix(l.args[i+1], "-") {
			continue
		}
		for _, g := range groups {
			for _, f := range g.Flags {
				if arg == "--"+f.Name && !f.IsBoolFlag() {
					return fmt.Errorf("%s: requires a value: %s=VALUE", arg, arg)
				}
			}
		}
	}
	return nil
}

// explain rewrites the errors of kingpin v2.4, which are untyped.
func (l commandLine) explain(err error) error {
	between := func(before, after string) (string, bool) {
		s, begins := strings.CutPrefix(err.Error(), before)
		s, ends := strings.CutSuffix(s, after)
		return s, begins && ends
	}
	if flag, ok := between("unknown long flag '--", "'"); ok {
		return l.unknownFlag("--"+flag, flag)
	}
	if flag, ok := between("unknown short flag '", "'"); ok {
		return l.unknownShort(flag)
	}
	if flag, ok := between("flag '", "' cannot be repeated"); ok {
		return fmt.Errorf("--%s: can be given only once", flag)
	}
	if word, ok := between("unexpected ", ""); ok {
		return l.unexpected(word)
	}
	return err
}

// unknownFlag explains a flag that does not exist; name is its name as a long flag.
func (l commandLine) unknownFlag(written, name string) error {
	known := names(l.app.FlagGroupModel)
	var owners []string
	for _, c := range l.app.Commands {
		for _, flag := range names(c.FlagGroupModel) {
			if flag == name {
				owners = append(owners, fmt.Sprintf("%s %s --%s", l.app.Name, c.Name, name))
			}
			known = append(known, flag)
		}
	}
	if len(owners) > 0 {
		return fmt.Errorf("%s: is a flag of another command: use %s", written, strings.Join(owners, " or "))
	}
	if near := nearest.Of(name, known); near != "" {
		return fmt.Errorf("%s: unknown flag: did you mean --%s?", written, near)
	}
	return fmt.Errorf("%s: unknown flag", written)
}

// unknownShort explains a flag with one hyphen, which is usually meant as a long flag;
// kingpin names only its first letter.
func (l commandLine) unknownShort(flag string) error {
	for _, arg := range l.args {
		name, _, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(arg, flag) && len(name) > len(flag) {
			return l.unknownFlag(name, strings.TrimPrefix(name, "-"))
		}
	}
	return fmt.Errorf("%s: unknown flag", flag)
}

// unexpected explains a word that is neither a command nor the value of a flag.
func (l commandLine) unexpected(word string) error {
	for _, arg := range l.args {
		if flag, ok := strings.CutSuffix(arg, "="+word); ok {
			return fmt.Errorf("%s: takes no value: use %s or --no-%s", arg, flag, strings.TrimPrefix(flag, "--"))
		}
	}
	var commands []string
	for _, c := range l.app.Commands {
		if c.Name == word {
			return fmt.Errorf("%q: only one command can be given", word)
		}
		commands = append(commands, c.Name)
	}
	if near := nearest.Of(word, commands); near != "" {
		return fmt.Errorf("%q: unknown command: did you mean %s?", word, near)
	}
	return fmt.Errorf("%q: unknown command: the commands are %s", word, strings.Join(commands, ", "))
}

func names(group *kingpin.FlagGroupModel) []string {
	var all []string
	for _, f := range group.Flags {
		if !f.Hidden {
			all = append(all, f.Name)
		}
	}
	return all
}
