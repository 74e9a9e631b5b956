// Is there a graphics card? Without one a picture by hand is quicker than WebGL that is emulated and read back.

let card: boolean | undefined;

export function hasGraphicsCard(): boolean {
  if (card === undefined) {
    const choice = new URLSearchParams(location.search).get("draw");
    card = choice === "webgl" || (choice !== "canvas" && probe());
  }
  return card;
}

function probe(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2", { failIfMajorPerformanceCaveat: true });
  if (!gl) return false;
  // Not every browser counts emulation as a caveat.
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const renderer = String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return !/swiftshader|llvmpipe|softpipe|software|basic render/i.test(renderer);
}

/** A canvas' context, kept in main memory where there is no card: then nothing travels to the process that has it. */
export function context2d(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const context = canvas.getContext("2d", { willReadFrequently: !hasGraphicsCard() });
  if (!context) throw new Error("this browser draws on no canvas");
  return context;
}
