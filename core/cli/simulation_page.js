// The pointer over a chart reads all charts beside it at the same moment. Without it the page lacks nothing else.
for (const group of document.querySelectorAll(".charts")) {
  const charts = [...group.querySelectorAll("svg.chart")].map((svg) => {
    const text = svg.parentNode.querySelector(".read");
    const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const dot = document.createElementNS("http://www.w3.org/2000/svg", "circle");
    line.setAttribute("class", "pointer");
    dot.setAttribute("class", "pointer");
    const rows = svg.dataset.read.split("\n").filter((row) => row).map((row) => row.split("\t"));
    return { svg, text, line, dot, rows, before: text.textContent };
  });
  const read = (chart, x) => {
    let best = null;
    for (const row of chart.rows) {
      if (best === null || Math.abs(row[0] - x) < Math.abs(best[0] - x)) best = row;
    }
    if (best === null) return;
    chart.line.setAttribute("d", `M${best[0]} 16V156`);
    chart.dot.setAttribute("cx", best[0]);
    chart.dot.setAttribute("cy", best[1]);
    chart.dot.setAttribute("r", best[1] < 0 ? 0 : 3.5);
    chart.text.textContent = best[2];
    if (!chart.line.parentNode) chart.svg.append(chart.line, chart.dot);
  };
  const rest = (chart) => {
    chart.text.textContent = chart.before;
    chart.line.remove();
    chart.dot.remove();
  };
  for (const { svg } of charts) {
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      for (const chart of charts) read(chart, x);
    });
    svg.addEventListener("pointerleave", () => charts.forEach(rest));
  }
}
