#pragma once
// libvips, tamed: started once with the loaders that are not meant for hostile files switched off, and references that free
// themselves. Private to this folder.

#include <vips/vips.h>

#include <memory>
#include <string>

namespace darkroom::imaging {

/// Starts libvips on first use; later calls cost nothing. Throws InternalError when it can't start.
void start_vips();

struct Unref {
  void operator()(VipsImage* image) const { g_object_unref(image); }
};
using VipsRef = std::unique_ptr<VipsImage, Unref>;

/// The library's last error, one line, and forgets it.
std::string vips_fault();

}  // namespace darkroom::imaging
