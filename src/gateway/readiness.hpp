#pragma once
// How far the server is: what /health/ready says.

#include <string>

namespace darkroom {

struct Readiness {
  bool stopping = false;
  bool warming_up = false;      ///< the workflow of --warm-up has not ended yet
  std::string warm_up_failure;  ///< what went wrong with it; the server is not ready then
};

}  // namespace darkroom
