// What Grafana does between the dashboard's JSON and a panel: variables, queries, transformations, overrides, links.
import {
  FieldType, getDisplayProcessor, standardTransformers, standardTransformersRegistry, toDataFrame, transformDataFrame,
} from "@grafana/data";

standardTransformersRegistry.setInit(() =>
  [...new Map(Object.values(standardTransformers).map((t) => [t.id, t])).values()].map((t) => ({
    id: t.id, name: t.name, transformation: () => Promise.resolve(t), aliasIds: [], editor: () => null,
  })),
);

async function ask(path, parameters) {
  const answer = await (await fetch(`/prometheus/api/v1/${path}`, { method: "POST", body: new URLSearchParams(parameters) })).json();
  if (answer.status !== "success") throw new Error(answer.error);
  return answer.data;
}

// prepare returns the values of the variables, of which everything is chosen.
export async function prepare(dashboard, view) {
  const variables = {};
  let readme;
  for (const variable of dashboard.templating.list) {
    if (variable.type === "constant") readme = variable.query;
    if (variable.type === "custom") variables[variable.name] = variable.current.value;
    if (variable.type === "query") variables[variable.name] = variable.allValue;
  }
  const jobs = await ask("series", { "match[]": "opsmanager_migration_link_info", start: view.end - view.span, end: view.end });
  variables.job = [...new Set(jobs.map((labels) => labels.job))].join("|");
  return { variables, readme };
}

const second = 1000, minute = 60 * second, hour = 60 * minute, day = 24 * hour;
const steps = [15 * second, 20 * second, 30 * second, minute, 2 * minute, 5 * minute, 10 * minute, 15 * minute, 20 * minute, 30 * minute,
  hour, 2 * hour, 3 * hour, 6 * hour, 12 * hour, day];

// interval returns $__interval in seconds, rounded as Grafana rounds it.
function interval(panel, view) {
  const raw = (view.span * second) / (panel.maxDataPoints ?? view.width);
  const least = { "2m": 2 * minute }[panel.interval] ?? minute;
  const i = steps.findIndex((step, i) => i + 1 === steps.length || raw < (step + steps[i + 1]) / 2);
  return Math.max(steps[i], least) / second;
}

async function query(panel, target, view, step) {
  let expr = target.expr;
  const values = { __interval: `${step}s`, __range: `${view.span}s`, __rate_interval: `${Math.max(step + 60, 240)}s`, ...view.variables };
  for (const name of Object.keys(values).sort((a, b) => b.length - a.length)) expr = expr.replaceAll(`$${name}`, values[name]);
  const from = Math.floor((view.end - view.span) / step) * step;
  const data = target.instant
    ? await ask("query", { query: expr, time: view.end })
    : await ask("query_range", { query: expr, start: from, end: view.end, step });
  return data.result;
}

const legend = (target, labels) => target.legendFormat.replace(/{{\s*(\w+)\s*}}/g, (_, name) => labels[name] ?? "");

function tableFrame(target, result) {
  const labels = [...new Set(result.flatMap((row) => Object.keys(row.metric)))].sort();
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: "Time", type: FieldType.time, values: result.map((row) => row.value[0] * second) },
      ...labels.map((name) => ({ name, type: FieldType.string, values: result.map((row) => row.metric[name] ?? "") })),
      { name: `Value #${target.refId}`, type: FieldType.number, values: result.map((row) => Number(row.value[1])) },
    ],
  });
}

function seriesFrame(target, row, step) {
  const values = new Map((row.values ?? [row.value]).map(([time, value]) => [time, Number(value)]));
  const times = [...values.keys()];
  for (let time = times[0]; time < times.at(-1); time += step) if (!values.has(time)) values.set(time, null); // gaps
  const sorted = [...values.keys()].sort((a, b) => a - b);
  return toDataFrame({
    refId: target.refId,
    fields: [
      { name: "Time", type: FieldType.time, values: sorted.map((time) => time * second) },
      { name: "Value", type: FieldType.number, labels: row.metric, values: sorted.map((time) => values.get(time)), config: { displayNameFromDS: legend(target, row.metric) } },
    ],
  });
}

const transform = (transformations, frames) =>
  new Promise((resolve) => transformDataFrame(transformations, frames).subscribe(resolve));

// finish applies the panel's overrides and the links.
function finish(frame, panel, view) {
  frame.fields.forEach((field, index) => {
    const name = field.config.displayName ?? field.config.displayNameFromDS ?? field.name;
    const config = structuredClone({ ...panel.fieldConfig.defaults, ...field.config });
    for (const { matcher, properties } of panel.fieldConfig.overrides) {
      if (matcher.id === "byName" ? matcher.options !== name : !new RegExp(matcher.options.slice(1, -1)).test(name)) continue;
      for (const { id, value } of properties) {
        const path = id.split("."), last = path.pop();
        path.reduce((at, key) => (at[key] ??= {}), config)[last] = value;
      }
    }
    field.config = config;
    field.state = { ...field.state, displayName: name, seriesIndex: index };
    field.display = getDisplayProcessor({ field, theme: view.theme, timeZone: "utc" });
    field.getLinks = ({ valueRowIndex }) =>
      (config.links ?? []).map((link) => ({
        title: link.title, target: link.targetBlank ? "_blank" : "_self", origin: field,
        href: link.url
          .replaceAll("${readme}", view.readme)
          .replace(/\${__data\.fields\.(\w+)}/g, (_, name) => frame.fields.find((f) => f.name === name)?.values[valueRowIndex] ?? ""),
      }));
  });
  return frame;
}

// load returns the frames of a panel, or what went wrong, and how far apart their points are.
export async function load(panel, view) {
  const step = interval(panel, view);
  try {
    const results = await Promise.all(panel.targets.map(async (target) => [target, await query(panel, target, view, step)]));
    let frames = panel.type === "table"
      ? results.filter(([, result]) => result.length).map(([target, result]) => tableFrame(target, result))
      : results.flatMap(([target, result]) => result.map((row) => seriesFrame(target, row, step)));
    if (panel.transformations) frames = await transform(panel.transformations, frames);
    return { step, frames: frames.map((frame) => finish(frame, panel, view)) };
  } catch (error) {
    return { step, frames: [], error: String(error) };
  }
}
