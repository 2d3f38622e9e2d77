// The body of a panel. Numbers and tables are Grafana's own components; its state timeline is not published, so that is drawn here.
import React from "react";
import { getFieldDisplayValues } from "@grafana/data";
import { BigValue } from "@grafana/ui";
import { TableNG } from "@grafana/ui/unstable";

const noData = (panel) => panel.fieldConfig.defaults.noValue ?? "No data";

const Message = ({ text, view, width, height }) => (
  <div style={{ width, height, display: "grid", placeItems: "center", color: view.theme.colors.text.secondary }}>{text}</div>
);

function Stat({ panel, content, view, width, height }) {
  const [value] = getFieldDisplayValues({
    data: content.frames, fieldConfig: panel.fieldConfig, reduceOptions: panel.options.reduceOptions, theme: view.theme, replaceVariables: (text) => text,
  });
  return <BigValue value={value.display} width={width} height={height} theme={view.theme} {...panel.options} />;
}

const time = (seconds, span) => new Date(seconds * 1000).toISOString().slice(...(span > 86400 ? [5, 16] : [11, 16])).replace("T", " ");

function StateTimeline({ panel, content, view, width, height }) {
  const frames = content.frames.slice(0, panel.options.perPage);
  const pages = Math.ceil(content.frames.length / panel.options.perPage);
  const { colors } = view.theme;
  const name = (frame) => frame.fields[1].state.displayName;
  const footer = 52, from = view.end - view.span, longest = Math.max(...frames.map((frame) => name(frame).length));
  const left = Math.min(width / 3, longest * 7 + 16), tall = (height - footer) / frames.length;
  const x = (seconds) => left + (Math.min(Math.max(seconds - from, 0), view.span) / view.span) * (width - left - 4);
  // Equal values that follow each other are one box.
  const boxes = frames.flatMap((frame, row) => {
    const [{ values: times }, state] = frame.fields, found = [];
    times.forEach((at, i) => {
      const value = state.values[i], last = found.at(-1), start = at / 1000, end = start + content.step;
      if (last && last.value === value) last.end = end;
      else found.push({ row, value, start, end });
    });
    return found.filter(({ value }) => value !== null).map((box) => ({ ...box, color: state.display(box.value).color }));
  });
  const text = { fontSize: 12, fill: colors.text.primary }, small = { fontSize: 11, fill: colors.text.secondary };
  const every = Math.ceil(view.span / (width > 700 ? 8 : 3) / 3600) * 3600, ticks = [];
  for (let at = Math.ceil((from + every / 4) / every) * every; at < view.end - every / 4; at += every) ticks.push(at);
  const states = Object.values(panel.fieldConfig.defaults.mappings[0].options);
  return (
    <svg width={width} height={height}>
      {boxes.map((box, i) => (
        <rect key={i} x={x(box.start)} y={box.row * tall + 1} width={Math.max(x(box.end) - x(box.start), 1)} height={tall * panel.options.rowHeight} fill={view.theme.visualization.getColorByName(box.color)} fillOpacity={panel.fieldConfig.defaults.custom.fillOpacity / 100} />
      ))}
      {frames.map((frame, row) => (
        <text key={row} x={left - 8} y={(row + 0.5) * tall + 4} textAnchor="end" {...text}>{name(frame).slice(0, Math.floor(left / 6.2))}</text>
      ))}
      {ticks.map((at) => <text key={at} x={x(at)} y={height - footer + 16} textAnchor="middle" {...small}>{time(at, view.span)}</text>)}
      {states.map((state, i) => (
        <g key={state.text} transform={`translate(${8 + i * 100}, ${height - 14})`}>
          <rect width="14" height="4" rx="2" fill={view.theme.visualization.getColorByName(state.color)} />
          <text x="20" y="6" {...text}>{state.text}</text>
        </g>
      ))}
      {pages > 1 && <text x={width - 8} y={height - 8} textAnchor="end" {...text}>{`‹ 1 / ${pages} ›`}</text>}
    </svg>
  );
}

export function Panel(props) {
  const { panel, content, view, width, height } = props;
  if (content.error) return <Message {...props} text={content.error} />;
  if (panel.type === "stat") return <Stat {...props} />;
  if (!content.frames.some((frame) => frame.length)) return <Message {...props} text={noData(panel)} />;
  if (panel.type === "table") {
    return (
      <TableNG
        data={content.frames[0]} width={width} height={height} fieldConfig={panel.fieldConfig} sortBy={panel.options.sortBy}
        cellHeight={panel.options.cellHeight} enableVirtualization={false} structureRev={1}
      />
    );
  }
  if (panel.type === "state-timeline") return <StateTimeline {...props} />;
  return <Message {...props} text={`${panel.type} is not drawn`} />;
}
