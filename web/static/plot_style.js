// The colours and the type that all plots of scores share; people.css has the same for what is drawn without ECharts.

export const FONT =
  'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "PingFang SC", "Hiragino Sans GB", ' +
  '"Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';
export const INK = "#3d4757";
export const LINE = "#1d4f91";
export const BANDS = ["#ddeee4", "#dfe9f3", "#f3e8dd"];
export const PART_COLOURS = { IM: "#1d4f91", AQ: "#0f766e", DT: "#a15c07", SV: "#7e3f98", MS: "#9d2b55", NV: "#55606e" };
