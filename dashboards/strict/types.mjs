// Writes the dashboard of the file given as TypeScript, typed by @grafana/schema:
// the compiler then finds unknown keys and values.
import { readFileSync } from "node:fs";

const types = new URL("node_modules/@grafana/schema/dist/types/raw/", import.meta.url).pathname;
const dashboard = JSON.parse(readFileSync(process.argv[2], "utf8"));
const panels = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]).filter((panel) => panel.options);
const name = (panel) => panel.type.replaceAll("-", "");
// Enumerations do not take plain strings.
const lines = ["type Plain<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;"];
const add = (variable, type, value) => lines.push(`export const ${variable}: Plain<${type}> = ${JSON.stringify(value, null, 1)};`);

lines.push(`import type * as dashboard from "${types}dashboard/x/types.gen";`);
for (const type of new Set(panels.map(name))) {
  lines.push(`import type * as ${type} from "${types}composable/${type}/panelcfg/x/types.gen";`);
}
for (const panel of panels) {
  add(`options${panel.id}`, `Partial<${name(panel)}.Options>`, panel.options);
  const custom = panel.fieldConfig?.defaults?.custom;
  if (custom) {
    if (panel.type === "state-timeline") delete custom.spanNulls, delete custom.insertNulls; // the panel's, beside its types
    add(`custom${panel.id}`, `Partial<${name(panel)}.FieldConfig>`, custom);
  }
}
// What Prometheus as a data source adds.
for (const annotation of dashboard.annotations.list) delete annotation.target, delete annotation.titleFormat;
for (const variable of dashboard.templating.list) delete variable.definition;
add("whole", "dashboard.Dashboard", dashboard);
console.log(lines.join("\n"));
