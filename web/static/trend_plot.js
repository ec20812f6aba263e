// How the trend of one agent is drawn: score by period with its interval, the target and the grade bands behind it.

import { BANDS, FONT, INK, LINE } from "./plot_style.js";

/** The plot of a trend; `top` leaves room for a heading. */
export function trendOptions(trend, words, top = 20) {
  const floor = Math.min(50, ...trend.points.map((point) => lowest(point)));
  return {
    animation: false,
    textStyle: { fontFamily: FONT, color: INK },
    grid: { left: 52, right: 44, top, bottom: 60 },
    xAxis: {
      type: "category",
      name: words.period,
      nameLocation: "middle",
      nameGap: 42,
      data: trend.points.map((point) => point.tick),
      axisTick: { alignWithLabel: true },
      axisLabel: { color: INK, interval: 0, lineHeight: 15 },
      axisLine: { lineStyle: { color: "#b8c1cf" } },
    },
    yAxis: {
      type: "value",
      name: words.axis,
      nameLocation: "middle",
      nameGap: 36,
      min: floor,
      max: 100,
      axisLabel: { color: INK },
      splitLine: { show: false },
    },
    tooltip: {
      trigger: "axis",
      renderMode: "richText",
      confine: true,
      axisPointer: { type: "line", lineStyle: { color: "#8793a6" } },
      textStyle: { fontFamily: FONT, fontSize: 13 },
      formatter: (shown) => describe(trend.points[shown[0].dataIndex], words).join("\n"),
    },
    series: [intervals(trend), scores(trend, words, floor), teams(trend, words), figures(trend)],
  };
}

function lowest(point) {
  const values = [point.value, point.low, point.team ?? null].filter((value) => value !== null);
  return values.length ? 10 * Math.floor(Math.min(...values) / 10) : 50;
}

function scores(trend, words, floor) {
  return {
    type: "line",
    name: words.score,
    data: trend.points.map((point) => ({
      value: point.value,
      // A score without a grade is an open dot: there is too little behind it.
      itemStyle: point.grade ? { color: LINE, borderColor: "#fff", borderWidth: 1.5 } : { color: "#fff", borderColor: LINE, borderWidth: 2 },
    })),
    symbol: "circle",
    symbolSize: 11,
    connectNulls: false,
    lineStyle: { color: LINE, width: 2 },
    z: 5,
    markLine: {
      silent: true,
      symbol: "none",
      lineStyle: { color: "#1f7a4d", type: "dashed", width: 1.5 },
      label: { formatter: `${words.target}\n${trend.target}`, color: "#17603c", fontFamily: FONT, fontSize: 11 },
      data: [{ yAxis: trend.target }],
    },
    markArea: { silent: true, data: bandAreas(trend, floor), label: { color: "#6b7688", fontFamily: FONT, position: "insideTopLeft", fontSize: 11 } },
  };
}

/** The score of the team: a thinner, broken line with small squares, so that it is told apart without its colour. */
function teams(trend, words) {
  const first = trend.points.findIndex((point) => point.team != null);
  const name = { show: true, position: "left", formatter: words.team, color: "#6b4600", fontFamily: FONT, fontSize: 11 };
  return {
    type: "line",
    name: words.team,
    data: trend.points.map((point, index) => ({ value: point.team ?? null, label: index === first ? name : { show: false } })),
    symbol: "rect",
    symbolSize: 6,
    connectNulls: false,
    itemStyle: { color: "#8a5a00" },
    lineStyle: { color: "#8a5a00", width: 1.5, type: [6, 4] },
    z: 4,
  };
}

function bandAreas(trend, floor) {
  let top = 100;
  return trend.bands
    .map((band, rank) => {
      const area = [
        { name: band.grade, yAxis: Math.max(band.from, floor), itemStyle: { color: BANDS[rank % BANDS.length], opacity: 0.75 } },
        { yAxis: top },
      ];
      top = band.from;
      return area;
    })
    .filter(([low, high]) => high.yAxis > low.yAxis);
}

/** The figure of each score, above its interval so that the two do not cross. */
function figures(trend) {
  return {
    type: "scatter",
    silent: true,
    symbolSize: 1,
    itemStyle: { color: "transparent" },
    z: 6,
    data: trend.points.map((point, index) => ({ value: [index, point.high ?? point.value], figure: point.value })),
    labelLayout: { hideOverlap: true },
    label: { show: true, position: "top", fontSize: 11, padding: [0, 2], color: INK, fontFamily: FONT, formatter: ({ data }) => (data.figure === null ? "" : data.figure.toFixed(1)) },
  };
}

/** The 95 % interval of each score; nothing is drawn while there is none. */
function intervals(trend) {
  const bars = trend.points
    .map((point, index) => [index, point.low, point.high])
    .filter(([, low, high]) => low !== null && high !== null);
  return {
    type: "custom",
    data: bars,
    silent: true,
    z: 4,
    renderItem: (_, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)])[1];
      return { type: "line", shape: { x1: x, x2: x, y1: low, y2: high }, style: { stroke: LINE, lineWidth: 3, opacity: 0.5 } };
    },
  };
}

function describe(point, words) {
  if (point.value === null) return [point.name, words.none, ...parts(point)];
  const grade = point.grade ? `${words.grade} ${point.chances || point.grade}` : words.noGrade;
  const lines = [point.name, `${words.score} ${point.value.toFixed(1)} (${point.interval})`, grade];
  if (point.team != null) lines.push(`${words.team} ${point.team.toFixed(1)}`);
  if (!point.complete) lines.push(`${words.incomplete}: ${point.present} ${words.present}`);
  return [...lines, ...parts(point)];
}

function parts(point) {
  return point.parts.map((part) => `${part.name}: ${part.value === null ? "–" : part.value.toFixed(1)} (${part.interval}; n=${part.n})`);
}
