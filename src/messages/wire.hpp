#pragma once
// The link between the gateway and a worker: length-prefixed records over a stream socket.
// A record is `u32 length · u8 version · u32 json length · JSON · bytes` (little endian); the JSON is an object with "kind".

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "messages/events.hpp"

namespace darkroom {

constexpr std::uint8_t kWireVersion = 1;
/// Longest record. A prompt may hold 100 MB of JSON; its pictures go through storage, never here.
/// Limit: a record on the link between gateway and worker, bytes. Beyond: the sender refuses it; a worker that announces one is replaced.
/// Fixed: a picture of the most pixels fits as PNG. Edge: Wire.RecordsAtTheLimit.
constexpr std::size_t kMaxRecordBytes = 256u << 20;

struct Record {
  std::string kind;
  json::object data;
  std::string bytes;
};

/// Kinds, gateway → worker:
///   configure {folders, precision, cache, cache_size, preview_method, preview_size, ram, disable_metadata, verbose}   first of all
///   run {job}                        a claimed job (Job::to_json)
///   cancel {job}                     interrupt it; the end comes as an event
///   free {unload_models, free_memory}
///   ask {id, what, ...}              what: "validate" {class, inputs, types}, "schemas" {classes}, "prompt_hook" {body}; answered while a
///   node
///                                    computes
///   classes {schemas: [...]}         what these classes take has changed
///   ping {}
///   reply {id, result}               to a question
///   stop {}                          end the running node or hand its job back, then exit
/// Kinds, worker → gateway:
///   hello {version, build, pid, device: {name, type, index}, pytorch_version, packs?, pack_routes?, prompt_hook?}
///                                    packs: what became of each; pack_routes {exact, prefixes}: decoded paths that packs may have routes
///                                    for
///   schemas {schemas: [...]}         at start and when they change
///   event {job, attempt, ...}        a JobEvent
///   handed_back {job, attempt}       stopped before its end: run it again without counting an attempt
///   answer {id, result | error}
///   question {id, what, ...}         of a pack: "queue", "history"
///   importing {pack}                 before hello: its code runs next
///   prompt_hook {}                   packs want to see prompts from now on
///   message {type, data, sid?}       of a pack, outside of any job: to the client sid, without one to everybody
///   binary {number, sid?} + bytes    the same
///   pong {rss, vram_total?, vram_free?}   bytes of memory: of the process, and of its GPU
std::string encode(const Record& record);

/// Takes records off a stream. Throws InvalidInput for a wrong version or an oversized record: the link is then closed.
class RecordReader {
 public:
  void feed(std::string_view bytes);
  std::optional<Record> next();

 private:
  std::string buffer_;
  std::size_t at_ = 0;
};

/// An event as a record of kind "event", and back.
Record event_record(const std::string& job, int attempt, const JobEvent& event);
JobEvent event_of(const Record& record);

}  // namespace darkroom
