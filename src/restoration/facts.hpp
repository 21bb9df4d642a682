#pragma once
// What is known of one restoration, whatever its state: kept in the database, shown by GET /restore/{id}.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "restoration/words.hpp"

namespace darkroom::restoration {

/// A picture file of a restoration, below the input or output folder.
struct PictureFile {
  std::string name;          ///< below its folder: "restorations/ID.jpg"; "" for none
  std::string folder;        ///< "input" or "output"
  std::int64_t width = 0, height = 0, bytes = 0;  ///< 0: not known
  bool there() const { return !name.empty(); }
};

/// uploading → waiting → running → complete | error | cancelled. A job whose worker or server died is waiting again.
struct Facts {
  std::string id, owner = "local";
  std::string state = "uploading";
  bool own = true;           ///< taken by POST /restore: its files are the service's, to be deleted with it
  std::string client_name;   ///< what the client called the file
  std::string save_node;     ///< whose picture is the result; "": the last one that was saved
  std::string model;         ///< of the colouriser; "" for none
  json::object options;      ///< as settled; empty for jobs of other routes
  PictureFile original, result;
  std::int64_t created = 0, started = 0, ended = 0;  ///< ms since 1970; 0: not yet
  std::int64_t seq = 0;      ///< number of the last message
  json::object last;         ///< the last message, as kept
  double progress = 0;       ///< the highest that was told

  bool has_ended() const { return ended != 0; }
  std::string url_of_result() const;  ///< `/results/ID/result.png`; the ending is that of the file
  json::object to_json() const;
  static Facts from_json(const json::object& kept);

  /// GET /restore/{id}. `position`: 0 when it does not wait; `expires`: ms, 0 for never.
  json::object view(Language language, std::int64_t position, bool has_preview, std::int64_t expires) const;
};

/// `/results/ID/` and the name; the id is escaped.
std::string result_url(std::string_view id, std::string_view name);

}  // namespace darkroom::restoration
