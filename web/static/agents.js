// The trend of one agent: score by period with the target and the grade bands behind it, and the interval
// once there is one. SVG, and tooltips drawn inside it: the page's content policy allows no inline styles.

import * as echarts from "./vendor/echarts/echarts.esm.min.js";
import { fetchJson } from "./app.js";
import { trendOptions } from "./trend_plot.js";

const holder = document.getElementById("trend");
if (holder) draw(holder, await fetchJson(holder.dataset.address));

function draw(element, trend) {
  const words = element.dataset;
  if (!trend.points.some((point) => point.value !== null)) {
    const note = document.createElement("p");
    note.className = "text-secondary";
    note.textContent = words.empty;
    element.replaceChildren(note);
    element.classList.remove("trend");
    return;
  }
  const chart = echarts.init(element, null, { renderer: "svg" });
  chart.setOption(trendOptions(trend, words));
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", summary(trend, words));
  new ResizeObserver(() => chart.resize()).observe(element);
}

function summary(trend, words) {
  return trend.points.map((point) => `${point.name}: ${point.value === null ? words.none : `${point.value.toFixed(1)} (${point.interval})`}`).join("; ");
}
