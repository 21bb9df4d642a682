#pragma once
// One model file from the web: resumed where it stopped, checked, and put in place whole or not at all.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "cli/transfer_view.hpp"
#include "outbound/web_address.hpp"

namespace darkroom {

struct DownloadRequest {
  WebAddress from;
  std::filesystem::path target;       ///< its folder exists
  std::string sha256;                 ///< what it must be, in lower case; empty: not known
  std::optional<std::uint64_t> size;  ///< what it must be, in bytes
  std::uint64_t max_bytes = 0;
  std::filesystem::path tls_ca;       ///< authorities to trust; empty: those of the system
  bool replace = false;               ///< over a file of that name
};

struct Downloaded {
  std::uint64_t bytes = 0;
  std::string sha256;
};

/// Downloads it. A connection that breaks is made again, and the rest asked for (Range with If-Range); a server that can't give a part
/// starts over. What has come stays for the next call when this one fails or the process ends, unless it is wrong.
/// Throws InvalidInput for what is not the file that was wanted, NotFound and Forbidden for what the server refuses, TooLarge over `max_bytes`
/// or the free space, Unavailable when the server can't be reached any more, Conflict while another process downloads it, and RunFailure
/// (kInterrupted) after Ctrl-C.
Downloaded download_model(const DownloadRequest& wanted, TransferView& view);

}  // namespace darkroom
