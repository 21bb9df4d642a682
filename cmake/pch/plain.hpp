// Precompiled for every module: what nearly each file includes, and costs more than the file itself.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
