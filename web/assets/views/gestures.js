// Fingers, mouse and wheel on the comparison: one pointer moves the line, or the picture when it is enlarged; two enlarge it.

const kWheelStep = 1.15;

/**
 * @param frame the element that is touched
 * @param zoom a Zoom
 * @param onLine(share) the line goes to this part of the width, 0 to 1
 * @param onZoom() scale or place has changed
 * @param isLine(target) whether a touch there takes the line even when the picture is enlarged
 */
export function gestures(frame, { zoom, onLine, onZoom, isLine }) {
  const pointers = new Map();  // id → last place in the frame
  let mode = null;             // line, pan, pinch

  const placeOf = event => {
    const box = frame.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top, width: box.width };
  };
  const spread = () => {
    const [a, b] = [...pointers.values()];
    return { distance: Math.hypot(a.x - b.x, a.y - b.y), x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
  };

  frame.addEventListener("pointerdown", event => {
    if (event.button !== 0) return;
    const place = placeOf(event);
    pointers.set(event.pointerId, place);
    frame.setPointerCapture(event.pointerId);
    if (pointers.size === 2) mode = "pinch";
    else if (pointers.size === 1) mode = zoom.fitted || isLine(event.target) ? "line" : "pan";
    if (mode === "line") onLine(place.x / place.width);
  });

  frame.addEventListener("pointermove", event => {
    const last = pointers.get(event.pointerId);
    if (!last) return;
    const place = placeOf(event);
    if (mode === "pinch" && pointers.size === 2) {
      const before = spread();
      pointers.set(event.pointerId, place);
      const now = spread();
      zoom.to(zoom.scale * (now.distance / Math.max(1, before.distance)), now.x, now.y);
      zoom.pan(now.x - before.x, now.y - before.y);
      return onZoom();
    }
    pointers.set(event.pointerId, place);
    if (mode === "line") onLine(place.x / place.width);
    else if (mode === "pan") {
      zoom.pan(place.x - last.x, place.y - last.y);
      onZoom();
    }
  });

  const end = event => {
    pointers.delete(event.pointerId);
    // After a pinch the finger that stays does nothing: it would throw the line to where it is.
    mode = pointers.size ? "rest" : null;
  };
  frame.addEventListener("pointerup", end);
  frame.addEventListener("pointercancel", end);

  frame.addEventListener("wheel", event => {
    if (!event.ctrlKey && zoom.fitted) return;  // the page scrolls
    event.preventDefault();
    const place = placeOf(event);
    zoom.to(zoom.scale * (event.deltaY < 0 ? kWheelStep : 1 / kWheelStep), place.x, place.y);
    onZoom();
  }, { passive: false });
}
