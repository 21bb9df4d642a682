#pragma once
// What `darkroom run` was told.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace darkroom {

struct RunOptions {
  std::string file;                ///< a workflow in any form; "-" is standard input
  std::string text;                ///< the workflow itself, instead of a file
  std::vector<std::string> edits;  ///< "6.text=a cat"
  std::optional<std::uint64_t> seed;
  bool random_seeds = false;
  std::filesystem::path output = ".";
  std::vector<std::filesystem::path> inputs;  ///< pictures to put into the input folder first
  std::string server;              ///< "http://127.0.0.1:8188"; empty: run here
  std::filesystem::path tls_ca;    ///< authorities to trust for an https server; empty: those of the system
  std::string token;               ///< who asks the server; "": nobody in particular. Never shown
  std::string client_id;           ///< whose job it is on the server; empty: a new one
  bool no_wait = false;            ///< on a server: not waited for
  bool json = false;               ///< results as JSON
  bool quiet = false;
  bool previews = true;            ///< pictures of running samplers, where the terminal can show them

  // -- only for runs here; as the flags of `serve`
  std::filesystem::path base_directory, input_directory, worker_program;
  std::vector<std::filesystem::path> extra_model_paths;
  std::string precision = "auto", ram, verbose = "WARNING";
  bool cpu = false, disable_metadata = false;

  bool traceback() const { return verbose == "DEBUG"; }  ///< show where in its code a node failed
};

}  // namespace darkroom
