// Pause, step, seek and speed of a replay; a trigger to keep what a live radar just heard.

import type { Api } from "./api.ts";
import { clock, utc } from "./axis.ts";
import type { Context, View } from "./context.ts";
import { byId, setText } from "./dom.ts";

export class ReplayControls implements View {
  readonly interval_ms = 100;
  private readonly bar = byId("replay", HTMLElement);
  private readonly play = byId("play", HTMLButtonElement);
  private readonly step = byId("step", HTMLButtonElement);
  private readonly speed = byId("speed", HTMLSelectElement);
  private readonly position = byId("position", HTMLElement);
  private readonly trigger = byId("trigger", HTMLButtonElement);

  constructor(
    private readonly context: Context,
    private readonly api: Api,
    private readonly say: (text: string) => void,
  ) {
    this.play.addEventListener("click", () => this.toggle());
    this.step.addEventListener("click", () => this.stepOnce());
    this.speed.addEventListener("change", () => {
      this.post({ action: "speed", speed: this.speed.value === "max" ? null : Number(this.speed.value) });
    });
    this.trigger.addEventListener("click", () => {
      api.post("/api/v1/trigger", {}).then(
        () => this.say("what was just heard is being kept"),
        (error: unknown) => this.say(`not kept: ${error instanceof Error ? error.message : "no answer"}`),
      );
    });
  }

  private post(body: { action: string; position_s?: number; speed?: number | null }): void {
    this.api
      .post("/api/v1/replay", body)
      .catch((error: unknown) => this.say(`${body.action}: ${error instanceof Error ? error.message : "no answer"}`));
  }

  private replaying(): boolean {
    return !this.context.archived && this.context.model.replay !== null;
  }

  toggle(): void {
    const { replay } = this.context.model;
    if (!replay || !this.replaying()) return;
    if (replay.state === "ended" && replay.can_seek) this.post({ action: "seek", position_s: 0 });
    this.post({ action: replay.state === "playing" ? "pause" : "resume" });
  }

  stepOnce(): void {
    if (this.replaying()) this.post({ action: "step" });
  }

  seek(position_s: number): void {
    if (this.replaying() && this.context.model.replay?.can_seek) this.post({ action: "seek", position_s });
  }

  /** Seeks from where it is. */
  seekBy(seconds: number): void {
    const { replay } = this.context.model;
    if (replay) this.seek(Math.min(Math.max(replay.position_s + seconds, 0), replay.duration_s));
  }

  /** Goes to the next speed that is offered, faster or slower. */
  changeSpeed(direction: 1 | -1): void {
    const next = Math.min(Math.max(this.speed.selectedIndex + direction, 0), this.speed.options.length - 1);
    this.speed.selectedIndex = next;
    this.speed.dispatchEvent(new Event("change"));
  }

  draw(): void {
    const { model, archived } = this.context;
    const { replay, hello } = model;
    this.bar.hidden = archived;
    const controls = [this.play, this.step, this.speed.parentElement!];
    for (const control of controls) control.hidden = replay === null;
    this.trigger.hidden = hello?.mode !== "live";
    const start = hello?.start_time_s ?? null;
    if (!replay) {
      setText(this.position, start === null ? (model.absolute && model.now_s > 0 ? utc(model.now_s).slice(0, 21) : clock(model.now_s)) : utc(start + model.now_s).slice(0, 21));
      return;
    }
    const text = replay.state === "playing" ? "Pause" : replay.state === "ended" ? "Again" : "Play";
    setText(this.play, text);
    const speed = replay.speed === null ? "max" : String(replay.speed);
    if (document.activeElement !== this.speed && this.speed.value !== speed) this.setSpeed(speed);
    const digits = replay.duration_s < 10 ? 3 : 1;
    setText(this.position, `${clock(replay.position_s, digits)} / ${clock(replay.duration_s, digits)}${replay.state === "ended" ? " ended" : ""}`);
  }

  /** A speed that is not offered (set on the command line) is added. */
  private setSpeed(value: string): void {
    if (![...this.speed.options].some((option) => option.value === value)) this.speed.add(new Option(`× ${value}`, value));
    this.speed.value = value;
  }
}
