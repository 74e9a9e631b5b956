// Keys, and the overlay that lists them.

import { byId, el } from "./dom.ts";

export interface Command {
  key: string;
  /** As the list shows it, where that differs. */
  shown?: string;
  text: string;
  run: () => void;
}

/** Listens for the commands' keys and lists them in the help. */
export function installKeys(commands: readonly Command[]): void {
  const dialog = byId("help", HTMLDialogElement);
  const list = byId("keys", HTMLElement);
  const toggle = () => (dialog.open ? dialog.close() : dialog.showModal());
  const all = [...commands, { key: "?", text: "this list", run: toggle }];
  for (const { key, shown, text } of all) list.append(el("dt", {}, el("kbd", {}, shown ?? key)), el("dd", {}, text));
  byId("help-button", HTMLButtonElement).addEventListener("click", toggle);
  byId("help-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
    if (dialog.open && event.key !== "?") return;
    const command = all.find(({ key }) => key === event.key);
    if (!command) return;
    event.preventDefault();
    command.run();
  });
}

/** The key is for a field, or presses a button. */
function typing(event: KeyboardEvent): boolean {
  const { target } = event;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio"].includes(target.type) || event.key === " ";
  if (target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement) return true;
  return (target instanceof HTMLButtonElement || target instanceof HTMLElement && target.role === "tab") && [" ", "Enter"].includes(event.key);
}
