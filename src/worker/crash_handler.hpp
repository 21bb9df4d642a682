#pragma once
// A crash must not swallow what was said just before it: which node ran when the worker died.

namespace darkroom {

/// From now on a thread that gets a fatal signal holds still for 50 ms before the process dies of it, so that the control thread
/// can write the events that are queued. Call once, from main.
void install_crash_handler();

}  // namespace darkroom
