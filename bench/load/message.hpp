#pragma once
// What a message of a WebSocket says, as far as the load watches it.

#include <cstdint>
#include <string>
#include <string_view>

#include "load/job.hpp"

namespace darkroom::load {

struct Message {
  enum class Kind : std::uint8_t {
    kStatus,    ///< `queue_remaining`
    kStep,      ///< `step` of the job `prompt_id`
    kProgress,  ///< `progress_state` of the job `prompt_id`
    kOther,     ///< of a job or not, none that the load expects
  };
  Kind kind = Kind::kOther;
  std::string prompt_id;
  Step step = Step::kDone;
  std::int64_t queue_remaining = 0;
};

Message message_of(std::string_view text);

}  // namespace darkroom::load
