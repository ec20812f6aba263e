// Plots of scores as PNG files. What the pages show is drawn again by ECharts on a canvas that nobody sees, at a size
// that fits a document, and handed over as a file: <button data-png="interval|parts|items|trend|dots" data-address data-name>.

import * as echarts from "./vendor/echarts/echarts.esm.min.js";
import { fetchJson } from "./app.js";
import { BANDS, FONT, INK, LINE, PART_COLOURS } from "./plot_style.js";
import { trendOptions } from "./trend_plot.js";

const WIDTH = 1200;
const ROW = 26;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-png]");
  if (!button) return;
  button.disabled = true;
  try {
    const trend = document.getElementById("trend");
    const data = await fetchJson(button.dataset.address ?? trend.dataset.address);
    const { options, height } = PLOTS[button.dataset.png](data, trend?.dataset);
    save(options, height, button.dataset.name);
  } finally {
    button.disabled = false;
  }
});

const PLOTS = { interval: ranked, parts: stacked, items: heat, trend: trendPlot, dots: panels };

function save(options, height, name) {
  const holder = document.createElement("div");
  const chart = echarts.init(holder, null, { renderer: "canvas", width: WIDTH, height, devicePixelRatio: 2 });
  chart.setOption({ backgroundColor: "#fff", animation: false, textStyle: { fontFamily: FONT, color: INK }, ...options });
  const link = document.createElement("a");
  link.href = chart.getDataURL({ type: "png", pixelRatio: 2, backgroundColor: "#fff" });
  link.download = name;
  link.click();
  chart.dispose();
}

const heading = (text) => ({ text, left: 16, top: 10, textStyle: { fontFamily: FONT, fontSize: 18, color: INK } });

/** Agents from the highest down: dot and interval, bands behind, the target, groups that chance may have ordered shaded. */
function ranked(data) {
  const agents = data.agents;
  const least = Math.min(60, ...agents.map((agent) => agent.low ?? agent.value));
  const floor = Math.min(50, 10 * Math.floor(least / 10));
  const options = {
    title: heading(data.title),
    grid: { left: 190, right: 90, top: 84, bottom: 60 },
    xAxis: { type: "value", min: floor, max: 100, name: data.words.score, nameLocation: "middle", nameGap: 32, splitLine: { show: false }, axisLabel: { color: INK } },
    yAxis: { type: "category", inverse: true, data: agents.map((agent) => agent.name), axisTick: { show: false }, axisLabel: { color: INK } },
    series: [
      {
        type: "custom",
        data: agents.map((agent, index) => [index, agent.group ?? -1]),
        z: 1,
        renderItem: (params, api) => {
          if (api.value(1) < 0 || api.value(1) % 2 === 0) return null;
          const [, y] = api.coord([floor, api.value(0)]);
          const { x, width } = params.coordSys;
          return { type: "rect", shape: { x: x - 180, y: y - api.size([0, 1])[1] / 2, width: width + 180, height: api.size([0, 1])[1] }, style: { fill: "#8793a6", opacity: 0.16 } };
        },
      },
      {
        type: "custom",
        data: agents.map((agent, index) => [index, agent.low, agent.high]).filter(([, low]) => low !== null),
        z: 4,
        renderItem: (_, api) => {
          const [x1, y] = api.coord([api.value(1), api.value(0)]);
          const [x2] = api.coord([api.value(2), api.value(0)]);
          return { type: "line", shape: { x1, y1: y, x2, y2: y }, style: { stroke: LINE, lineWidth: 3, opacity: 0.6 } };
        },
      },
      {
        type: "scatter",
        symbolSize: 12,
        z: 5,
        data: agents.map((agent, index) => ({
          value: [agent.value, index],
          itemStyle: agent.grade ? { color: LINE, borderColor: "#fff", borderWidth: 1.5 } : { color: "#fff", borderColor: LINE, borderWidth: 2 },
        })),
        markLine: {
          silent: true,
          symbol: "none",
          lineStyle: { color: "#1f7a4d", type: "dashed", width: 1.5 },
          label: { position: "start", formatter: `${data.words.target} ${data.target}`, color: "#17603c", fontFamily: FONT },
          data: [{ xAxis: data.target }],
        },
        markArea: { silent: true, data: bandAreas(data, floor) },
      },
    ],
  };
  return { options, height: 164 + ROW * agents.length };
}

function bandAreas(data, floor) {
  let top = 100;
  return data.bands
    .map((band, index) => {
      const area = [
        { name: band.grade, xAxis: Math.max(band.from, floor), itemStyle: { color: BANDS[index % BANDS.length], opacity: 0.75 }, label: { color: "#6b7688", fontFamily: FONT, position: "top" } },
        { xAxis: top },
      ];
      top = band.from;
      return area;
    })
    .filter(([low, high]) => high.xAxis > low.xAxis);
}

/** The points of 100 that each part brings, by agent. */
function stacked(data) {
  const options = {
    title: heading(data.title),
    grid: { left: 190, right: 60, top: 90, bottom: 60 },
    legend: { top: 44, left: 16, textStyle: { color: INK, fontFamily: FONT } },
    xAxis: { type: "value", min: 0, max: 100, name: data.words.points, nameLocation: "middle", nameGap: 32, axisLabel: { color: INK } },
    yAxis: { type: "category", inverse: true, data: data.agents.map((agent) => agent.name), axisTick: { show: false }, axisLabel: { color: INK } },
    series: data.parts.map(({ source, name }) => ({
      type: "bar",
      stack: "points",
      name,
      itemStyle: { color: PART_COLOURS[source] },
      data: data.agents.map((agent) => agent.points[source] ?? 0),
      barWidth: 14,
    })),
  };
  return { options, height: 170 + ROW * data.agents.length };
}

/** Items by agents: the share met in colour and figures; grey where there is too little to say. */
function heat(data) {
  const enough = data.cells.filter(([, , share]) => share !== null);
  const few = data.cells.filter(([, , share]) => share === null);
  const cell = [(WIDTH - 360) / data.agents.length - 3, 31];
  const label = (text) => ({ show: true, fontFamily: FONT, fontSize: 11, lineHeight: 13, formatter: text });
  const options = {
    title: heading(data.title),
    grid: { left: 330, right: 30, top: 60, bottom: 130 },
    xAxis: { type: "category", data: data.agents, axisLabel: { rotate: 45, color: INK }, axisTick: { show: false } },
    yAxis: { type: "category", inverse: true, data: data.items, axisLabel: { color: INK, width: 310, overflow: "truncate" }, axisTick: { show: false } },
    visualMap: { min: 0, max: 100, seriesIndex: 0, orient: "horizontal", left: 16, bottom: 8, text: [data.words.met, ""], inRange: { color: ["#e9a49e", "#f6e3b4", "#a9d7bd"] }, textStyle: { color: INK } },
    series: [
      { type: "heatmap", data: enough.map(([x, y, share, n]) => ({ value: [x, y, share], n })), itemStyle: { borderColor: "#fff", borderWidth: 2 }, label: label(({ data: found }) => `${Math.round(found.value[2])}\nn=${found.n}`) },
      { type: "scatter", symbol: "rect", symbolSize: cell, data: few.map(([x, y, , n]) => ({ value: [x, y], n })), itemStyle: { color: "#e6e9ee" }, label: { ...label(({ data: found }) => `n=${found.n}`), color: "#5b6472" } },
    ],
  };
  return { options, height: 240 + 34 * data.items.length };
}

/** Shares in percent as dots with their intervals and n, one panel below the other, all on one scale. */
function panels(data) {
  const filled = data.panels.filter(({ rows }) => rows.length);
  const most = Math.max(...filled.flatMap(({ rows }) => rows.map(({ high }) => high)));
  const top = data.target === undefined ? Math.min(100, 10 * Math.ceil(most / 10)) : 100;
  let y = 84;
  const places = filled.map(({ rows }) => {
    const place = { top: y, height: ROW * rows.length };
    y += place.height + 66;
    return place;
  });
  const options = {
    title: [heading(data.title), ...filled.map(({ name }, index) => ({ text: name, left: 16, top: places[index].top - 28, textStyle: { fontFamily: FONT, fontSize: 14, color: INK } }))],
    grid: places.map((place) => ({ left: 340, right: 40, ...place })),
    xAxis: filled.map((_, index) => ({ gridIndex: index, type: "value", min: 0, max: top, name: index === filled.length - 1 ? data.axis : "", nameLocation: "middle", nameGap: 30, axisLabel: { color: INK } })),
    yAxis: filled.map(({ rows }, index) => ({ gridIndex: index, type: "category", inverse: true, data: rows.map(({ name, n }) => `${name.length > 38 ? `${name.slice(0, 37)}…` : name}  n=${n}`), axisTick: { show: false }, axisLabel: { color: INK, width: 310, overflow: "truncate" } })),
    series: filled.flatMap(({ rows }, index) => [
      {
        type: "custom",
        xAxisIndex: index,
        yAxisIndex: index,
        data: rows.map(({ low, high }, at) => [at, low, high]),
        renderItem: (_, api) => {
          const [x1, at] = api.coord([api.value(1), api.value(0)]);
          const [x2] = api.coord([api.value(2), api.value(0)]);
          return { type: "line", shape: { x1, y1: at, x2, y2: at }, style: { stroke: LINE, lineWidth: 3, opacity: 0.6 } };
        },
      },
      {
        type: "scatter",
        xAxisIndex: index,
        yAxisIndex: index,
        symbolSize: 11,
        z: 5,
        itemStyle: { color: LINE, borderColor: "#fff", borderWidth: 1.5 },
        data: rows.map(({ value }, at) => [value, at]),
        markLine:
          data.target === undefined
            ? undefined
            : {
                silent: true,
                symbol: "none",
                lineStyle: { color: "#1f7a4d", type: "dashed", width: 1.5 },
                label: { position: "start", formatter: index ? "" : `${data.words.target} ${data.target}`, color: "#17603c", fontFamily: FONT },
                data: [{ xAxis: data.target }],
              },
      },
    ]),
  };
  return { options, height: y };
}

function trendPlot(data, words) {
  return { options: { title: heading(data.title), ...trendOptions(data, words, 60) }, height: 520 };
}
