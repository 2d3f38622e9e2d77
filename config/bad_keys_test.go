package config

// badKeys has the error of each file in testdata/bad where a private key is
// written without quotes and is something else to YAML.
func badKeys() map[string]string {
	return map[string]string{
		"key_ampersand":          `key_ampersand.yml:5: ops_managers[0].api_key.private_key: has no value: give one or remove the line (a text that begins with # or & needs quotes)`,
		"key_ampersand_space":    `key_ampersand_space.yml:5: is not YAML: a value begins with &: put it in quotes`,
		"key_at":                 "key_at.yml:5: is not YAML: a tab, or a value that begins with @, ` or %: indent with spaces, put the value in quotes",
		"key_backquote":          "key_backquote.yml:5: is not YAML: a tab, or a value that begins with @, ` or %: indent with spaces, put the value in quotes",
		"key_brace":              `key_brace.yml:7: is not YAML: a { or [ here or above is not closed, or a comma is missing: close it, or put a value that begins with it in quotes`,
		"key_braces":             `key_braces.yml:5: ops_managers[0].api_key.private_key: must be a single value, not a mapping (key: value): a text that begins with { or [ needs quotes`,
		"key_bracket":            `key_bracket.yml:5: is not YAML: a { or [ here or above is not closed, or a comma is missing: close it, or put a value that begins with it in quotes`,
		"key_brackets":           `key_brackets.yml:5: ops_managers[0].api_key.private_key: must be a single value, not a list (- item): a text that begins with { or [ needs quotes`,
		"key_colon":              `key_colon.yml:5: is not YAML: a value contains ": " or the line is indented wrongly: put the value in quotes or align the line`,
		"key_control":            `key_control.yml:5: is not YAML: a control character: remove it`,
		"key_dash":               `key_dash.yml:5: is not YAML: a list entry (-) stands in the wrong place: begin it on a line of its own`,
		"key_escape":             `key_escape.yml:5: is not YAML: a backslash in double quotes begins an escape that does not exist: use single quotes`,
		"key_exclamation":        `key_exclamation.yml:5: ops_managers[0].api_key.private_key: has a YAML tag: remove it (a text that begins with ! needs quotes)`,
		"key_exclamation_angle":  `key_exclamation_angle.yml:5: is not YAML: a value begins with !: put it in quotes`,
		"key_exclamation_handle": `key_exclamation_handle.yml:5: is not YAML: a value begins with !: put it in quotes`,
		"key_exclamation_space":  `key_exclamation_space.yml:5: ops_managers[0].api_key.private_key: has a YAML tag: remove it (a text that begins with ! needs quotes)`,
		"key_exclamations":       `key_exclamations.yml:5: ops_managers[0].api_key.private_key: has a YAML tag: remove it (a text that begins with ! needs quotes)`,
		"key_greater":            `key_greater.yml:5: is not YAML: a value begins with | or >: put it in quotes, or indent the lines of the block`,
		"key_hash":               `key_hash.yml:5: ops_managers[0].api_key.private_key: has no value: give one or remove the line (a text that begins with # or & needs quotes)`,
		"key_next_line":          `key_next_line.yml:7: is not YAML: a value contains ": " or the line is indented wrongly: put the value in quotes or align the line`,
		"key_percent":            "key_percent.yml:5: is not YAML: a tab, or a value that begins with @, ` or %: indent with spaces, put the value in quotes",
		"key_pipe":               `key_pipe.yml:5: is not YAML: a value begins with | or >: put it in quotes, or indent the lines of the block`,
		"key_question":           `key_question.yml:5: is not YAML: a value begins with ?: put it in quotes`,
		"key_quote_in":           `key_quote_in.yml:5: is not YAML: the line does not continue what stands above it: check the indentation and the quotes`,
		"key_quote_open":         `key_quote_open.yml:5: is not YAML: a quoted value does not end: add the closing quote`,
		"key_star":               `key_star.yml:5: is not YAML: a value that begins with * is an alias, and nothing has that anchor: put the value in quotes`,
		"key_star_space":         `key_star_space.yml:5: is not YAML: a value begins with *: put it in quotes`,
		"key_tab":                `key_tab.yml:6: is not YAML: a tab in the indentation: use spaces`,

		// A key in the wrong place.
		"private_key_file_is_the_key": `private_key_file_is_the_key.yml:5: ops_managers[0].api_key.private_key_file: looks like the key itself: name a file (write ./ before it if it is one), or use private_key`,
		"public_key_file_is_the_key":  `public_key_file_is_the_key.yml:4: ops_managers[0].api_key.public_key_file: looks like the key itself: name a file (write ./ before it if it is one), or use public_key`,
		"unknown_key_is_the_key": `unknown_key_is_the_key.yml:3: ops_managers[0].api_key: has no value: give one or remove the line (a text that begins with # or & needs quotes)
unknown_key_is_the_key.yml:4: ops_managers[0]: unknown key: the keys here are api_key, max_concurrent_requests, name, no_proxy, orgs, proxy_connect_header, proxy_from_environment, proxy_url, timeout, tls_config, url`,
		"min_version_is_the_key": `min_version_is_the_key.yml:6: ops_managers[0].tls_config.min_version: a value that looks like a key is not a TLS version: use TLS10, TLS11, TLS12 or TLS13
min_version_is_the_key.yml:6: ops_managers[0].tls_config.insecure_skip_verify: a value that looks like a key is not a truth value: write true or false`,
		"url_is_the_key":       `url_is_the_key.yml:2: ops_managers[0].url: "https://..." is not a URL: write it like https://host:port`,
		"proxy_url_is_the_key": `proxy_url_is_the_key.yml:6: ops_managers[0].proxy_url: "http://..." is not a URL: write it like http://host:port`,
	}
}
