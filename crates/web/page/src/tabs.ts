// Tabs: which panel of several is shown. Arrow keys go from one to the next.

export function installTabs(list: HTMLElement, chosen: (panel: string) => void): (panel: string) => void {
  const tabs = [...list.querySelectorAll<HTMLButtonElement>("[role=tab]")];
  const panelOf = (tab: HTMLElement) => tab.dataset.panel ?? "";
  const show = (panel: string) => {
    for (const tab of tabs) {
      const selected = panelOf(tab) === panel;
      tab.setAttribute("aria-selected", String(selected));
      tab.tabIndex = selected ? 0 : -1;
      const target = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      // Tabs may share a panel that draws one or the other.
      const shared = tabs.some((other) => other !== tab && other.getAttribute("aria-controls") === target?.id);
      if (target && !shared) target.hidden = !selected;
      else if (target && selected) target.setAttribute("aria-labelledby", tab.id);
    }
  };
  for (const tab of tabs) tab.addEventListener("click", () => chosen(panelOf(tab)));
  list.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(event.target as HTMLButtonElement);
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (at < 0 || step === 0) return;
    event.preventDefault();
    const next = tabs[(at + step + tabs.length) % tabs.length]!;
    next.focus();
    chosen(panelOf(next));
  });
  return show;
}
