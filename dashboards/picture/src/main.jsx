// Draws panels of the dashboard as Grafana would, from the Prometheus behind /prometheus. The address says what:
// panels (IDs, one below the other row), theme, width, span and end in seconds.
import "@fontsource/inter/400.css";
import "@fontsource/inter/500.css";
import React from "react";
import { createRoot } from "react-dom/client";
import { createTheme, ThemeContext } from "@grafana/data";
import { GlobalStyles, PanelChrome } from "@grafana/ui";
import { Panel } from "./panel.jsx";
import { load, prepare } from "./query.js";

const wanted = new URLSearchParams(location.search);
const theme = createTheme({ colors: { mode: wanted.get("theme") } });
const view = {
  theme,
  width: Number(wanted.get("width")),
  span: Number(wanted.get("span")),
  end: Number(wanted.get("end")),
};
const dashboard = await (await fetch("/dashboard.json")).json();
const { variables, readme } = await prepare(dashboard, view);
const ids = wanted.get("panels").split(",").map(Number);
const all = dashboard.panels.flatMap((panel) => [panel, ...(panel.panels ?? [])]);
const panels = ids.map((id) => all.find((panel) => panel.id === id));

// Where each panel goes: Grafana's grid without the gaps of what is not drawn, or one column on a phone.
const gap = 8, cell = 30, column = (view.width - gap) / 24, phone = view.width < 769;
let top = 56, bottom = top, row;
const boxes = panels.map((panel) => {
  const { x, y, w, h } = panel.gridPos;
  if (phone || y !== row) [top, row] = [bottom, y];
  const box = phone ? { left: gap, width: view.width - 2 * gap } : { left: gap + x * column, width: w * column - gap };
  Object.assign(box, { top, height: h * (cell + gap) - gap });
  bottom = Math.max(bottom, top + box.height + gap);
  return box;
});
const contents = await Promise.all(panels.map((panel, i) => load(panel, { ...view, variables, readme, width: boxes[i].width })));

document.body.style.background = theme.colors.background.canvas;
document.body.style.height = `${bottom}px`;
createRoot(document.getElementById("root")).render(
  <ThemeContext.Provider value={theme}>
    <GlobalStyles />
    <h1 style={{ position: "absolute", left: 2 * gap, top: 14, fontSize: phone ? 15 : 20, margin: 0 }}>{dashboard.title}</h1>
    {panels.map((panel, i) => (
      <div key={panel.id} style={{ position: "absolute", ...boxes[i] }}>
        <PanelChrome title={panel.title} description={panel.description} width={boxes[i].width} height={boxes[i].height} padding="md">
          {(width, height) => <Panel panel={panel} content={contents[i]} view={view} width={width} height={height} />}
        </PanelChrome>
      </div>
    ))}
  </ThemeContext.Provider>,
);
// For whoever waits for the picture, and how high it is.
requestAnimationFrame(() => setTimeout(() => (document.title = `ready ${bottom}`), 300));
