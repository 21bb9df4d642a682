#include "worker/processor.hpp"

#include <fstream>
#include <sstream>
#include <string>

namespace darkroom {

bool processor_has_bf16() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("flags")) continue;
    std::istringstream flags(line);
    for (std::string flag; flags >> flag;)
      if (flag == "amx_bf16" || flag == "avx512_bf16") return true;
    return false;
  }
  return false;
}

}  // namespace darkroom
