// The flags of `darkroom serve`: ComfyUI's with the same meaning, and ours.

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <array>
#include <fstream>

#include "base/error.hpp"
#include "base/text.hpp"
#include "gateway/serve_command.hpp"
#include "messages/job_terms.hpp"

namespace darkroom {
namespace {

/// ComfyUI's flags that mean nothing here.
constexpr const char* kForeignSwitches[] = {
    "--auto-launch", "--disable-auto-launch", "--cuda-malloc", "--disable-cuda-malloc", "--force-fp16", "--fp32-unet", "--fp64-unet",
    "--bf16-unet", "--fp16-unet", "--fp8_e4m3fn-unet", "--fp8_e5m2-unet", "--fp8_e8m0fnu-unet", "--fp16-vae", "--fp32-vae", "--bf16-vae",
    "--cpu-vae", "--fp8_e4m3fn-text-enc", "--fp8_e5m2-text-enc", "--fp16-text-enc", "--fp32-text-enc", "--bf16-text-enc",
    "--force-channels-last", "--disable-ipex-optimize", "--supports-fp8-compute", "--use-split-cross-attention",
    "--use-quad-cross-attention", "--use-pytorch-cross-attention", "--use-sage-attention", "--use-flash-attention", "--disable-xformers",
    "--force-upcast-attention", "--dont-upcast-attention", "--enable-manager", "--disable-manager-ui", "--enable-manager-legacy-ui",
    "--gpu-only", "--highvram", "--normalvram", "--lowvram", "--novram", "--disable-async-offload", "--force-non-blocking",
    "--disable-smart-memory", "--deterministic", "--disable-pinned-memory", "--mmap-torch-files", "--disable-mmap", "--dont-print-server",
    "--quick-test-for-ci", "--windows-standalone-build", "--log-stdout"};
/// Those among them that take values, and how many at most.
constexpr std::pair<const char*, int> kForeignValues[] = {
    {"--cuda-device", 1}, {"--default-device", 1}, {"--directml", 1}, {"--oneapi-device-selector", 1}, {"--reserve-vram", 1},
    {"--async-offload", 1}, {"--fast", 8}, {"--front-end-version", 1}, {"--comfy-api-base", 1}, {"--database-url", 1}};

/// Flags of the design that this version does not have yet: refused, so that nobody relies on them.
constexpr const char* kLater[] = {"--vram"};

[[noreturn]] void refuse(const std::string& flag) {
  throw CLI::ValidationError(flag, "comes with a later version of Darkroom; this one does not have it");
}

void add_foreign(CLI::App& serve, ServeNotes& notes) {
  const auto note = [&notes](const char* name) { notes.lines.push_back(std::string(name) + " means nothing here and is left aside"); };
  for (const char* name : kForeignSwitches) serve.add_flag_callback(name, [note, name] { note(name); }, "")->group("");
  for (const auto& [name, values] : kForeignValues)
    serve.add_option_function<std::vector<std::string>>(name, [note, flag = name](const std::vector<std::string>&) { note(flag); }, "")
        ->expected(0, values)
        ->group("");
  for (const char* name : kLater)
    serve.add_option_function<std::vector<std::string>>(name, [name](const std::vector<std::string>&) { refuse(name); }, "")
        ->expected(0, 64)
        ->group("");
}

CLI::Option* add_path(CLI::App& serve, const char* flag, std::filesystem::path& path, const char* help) {
  return serve.add_option_function<std::string>(flag, [&path](const std::string& text) { path = text; }, help);
}

/// A size as parse_size() reads it, for `flag`.
std::uint64_t size_of(const char* flag, const std::string& text) {
  try {
    return parse_size(text);
  } catch (const Error& error) {
    throw CLI::ValidationError(flag, error.what());
  }
}

void add_cache(CLI::App& serve, Options& options, const char* group) {
  serve.add_flag_callback("--cache-classic", [&options] { options.cache = "classic"; }, "Keep the results of the last prompt (the default)")->group(group);
  serve.add_option_function<int>("--cache-lru", [&options](const int& count) {
         options.cache = count > 0 ? "lru" : "classic";
         options.cache_size = count;
       }, "Keep the results of the N nodes used last")->check(CLI::NonNegativeNumber)->group(group);
  serve.add_option_function<double>("--cache-ram", [&options](const double& gigabytes) {
         options.cache = "ram";
         options.cache_size = static_cast<std::int64_t>(gigabytes * (1 << 30));
       }, "Keep all results while so many GB of memory are free, then drop large and old ones; without a value 4")
      ->check(CLI::Range(0.0, 1e6))->group(group);
  serve.add_flag_callback("--cache-none", [&options] { options.cache = "none"; }, "Keep no results: every run computes all")->group(group);
}

void add_comfyui(CLI::App& serve, Options& options, ServeNotes& notes) {
  const char* group = "As in ComfyUI";
  serve.add_option_function<std::string>("--listen", [&options](const std::string& text) {
         options.listen.clear();
         for (const auto& address : split(text, ','))
           if (!trim(address).empty()) options.listen.emplace_back(trim(address));
       }, "Addresses to listen on, with commas between; without a value all of IPv4 and IPv6  [127.0.0.1]")->group(group);
  serve.add_option("--port", options.port, "Port  [8188]; 0 takes a free one")->group(group);
  add_path(serve, "--base-directory", options.base_directory, "Where input, output, temp, user, models and the database lie  [~/.local/share/darkroom]")->group(group);
  add_path(serve, "--input-directory", options.input_directory, "Uploaded pictures")->group(group);
  add_path(serve, "--output-directory", options.output_directory, "Results")->group(group);
  add_path(serve, "--temp-directory", options.temp_directory, "Previews")->group(group);
  add_path(serve, "--user-directory", options.user_directory, "Settings and workflows of users")->group(group);
  serve.add_option_function<std::vector<std::string>>("--extra-model-paths-config", [&options](const std::vector<std::string>& files) {
         options.extra_model_paths.assign(files.begin(), files.end());
       }, "YAML files that name more model folders")->expected(1, 64)->group(group);
  add_path(serve, "--front-end-root", options.front_end_root, "Folder of the editor that is served at /")->group(group);
  serve.add_flag("--cpu", options.cpu, "Use the processor, even where there is a GPU")->group(group);
  serve.add_flag_callback("--force-fp32", [&options] { options.precision = "fp32"; }, "The same as --precision fp32")->group(group);
  add_cache(serve, options, group);
  serve.add_option("--preview-method", options.preview_method, "Pictures of running samplers  [none]")
      ->check(CLI::IsMember({"none", "auto", "latent2rgb", "taesd"}))->group(group);
  serve.add_option("--preview-size", options.preview_size, "Longer side of those pictures in pixels  [512]")->check(CLI::Range(1, 8192))->group(group);
  serve.add_option_function<std::string>("--enable-cors-header", [&options](const std::string& origin) {
         options.enable_cors = true;
         options.cors_origin = origin;
       }, "Let pages of this origin use the server; without a value of any. Switches the origin check off")->group(group);
  serve.add_option_function<double>("--max-upload-size", [&options](const double& megabytes) {
         options.max_upload_mb = megabytes;
         options.max_upload_given = true;
       }, "Longest request body in MB  [100]")->check(CLI::Range(0.0, 1e6))->group(group);
  serve.add_option_function<std::string>("--default-hashing-function", [&notes](const std::string&) {
         notes.lines.emplace_back("--default-hashing-function has no effect: files of one name are compared byte by byte, which no hash can do better");
       }, "md5, sha1, sha256 or sha512: taken and without effect, as files are compared byte by byte")
      ->check(CLI::IsMember({"md5", "sha1", "sha256", "sha512"}))->group(group);
  serve.add_flag("--dev", options.dev, "For authors of packs: load them anew when their code changes")->group(group);
  serve.add_flag("--disable-all-custom-nodes", options.disable_packs, "Load no packs of nodes")->group(group);
  serve.add_option("--whitelist-custom-nodes", options.allowed_packs, "Packs that --disable-all-custom-nodes leaves on: names of their folders or files")->expected(1, 256)->group(group);
  serve.add_option("--deny-custom-nodes", options.denied_packs, "Packs that are left out: names of their folders or files")->expected(1, 256)->group(group);
  serve.add_flag("--disable-metadata", options.disable_metadata, "Write no prompt and workflow into saved pictures")->group(group);
  serve.add_flag("--multi-user", options.multi_user, "Settings and workflows apart for each user")->group(group);
  serve.add_flag("--enable-compress-response-body", options.compress_response_body, "Compress JSON and text replies")->group(group);
  serve.add_flag("--disable-api-nodes", options.disable_api_nodes, "Send a Content-Security-Policy that keeps pages on this server")->group(group);
  add_path(serve, "--tls-keyfile", options.tls_keyfile, "Key of the TLS certificate, PEM")->group(group);
  add_path(serve, "--tls-certfile", options.tls_certfile, "TLS certificate, PEM: serves https")->group(group);
  serve.add_option("--verbose", options.verbose, "Log level: DEBUG, INFO, WARNING, ERROR, CRITICAL; without a value DEBUG  [INFO]")
      ->check(CLI::IsMember({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}, CLI::ignore_case))->group(group);
}

void add_own(CLI::App& serve, Options& options, std::string& config_file) {
  const char* group = "Darkroom's own";
  serve.add_option("--workers", options.workers, "Worker processes  [one for each GPU, else 1]")->check(CLI::Range(0, 64))->group(group);
  serve.add_option_function<std::string>("--ram", [&options](const std::string& text) { options.ram_bytes = size_of("--ram", text); },
                                         "Memory that a worker may use before it is replaced, such as 8G  [85 % of the machine or container]")->group(group);
  serve.add_option("--precision", options.precision, "auto takes bf16 where the processor is good at it  [auto]")
      ->check(CLI::IsMember({"auto", "fp32", "bf16", "fp16"}))->group(group);
  serve.add_option("--max-queue", options.max_queue, "Waiting jobs; more are refused  [10000]")->check(CLI::Range(1, 1'000'000))->group(group);
  serve.add_option("--max-history", options.max_history, "Finished jobs that are remembered  [10000]")->check(CLI::Range(1, 10'000'000))->group(group);
  serve.add_option("--keep-alive", options.keep_alive_s, "Seconds that a connection may be idle between two requests  [75]")
      ->check(CLI::Range(1.0, 86400.0))->group(group);
  serve.add_option("--cancel-grace", options.cancel_grace_s, "Seconds that a cancelled node gets to end before its worker is replaced  [10]")
      ->check(CLI::Range(0.1, 86400.0))->group(group);
  serve.add_option("--job-timeout", options.job_timeout_s, "Seconds that a job may run, whatever its sender asks for; 0: any number  [0]")
      ->check(CLI::Range(0.0, 1e7))
      ->group(group);
  serve.add_option("--restore-keep", options.restore_keep_hours, "Hours after which a finished restoration is deleted; 0 keeps all  [24]")
      ->check(CLI::Range(0.0, 1e6))->group(group);
  serve.add_option("--visitor-keep", options.visitor_keep_days, "Days after which the files of a visitor who was not here again are deleted; 0 keeps all  [30]")
      ->check(CLI::Range(0.0, 1e5))->group(group);
  serve.add_option("--progress-ping", options.progress_ping_s, "Seconds between two pings of a socket of /ws/progress  [20]")
      ->check(CLI::Range(0.05, 86400.0))->group(group);
  serve.add_option("--progress-silence", options.progress_silence_s, "Seconds after which a silent socket of /ws/progress is dropped  [60]")
      ->check(CLI::Range(0.05, 86400.0))->group(group);
  serve.add_option("--warm-up", options.warm_up, "A workflow that runs once at the start; /health/ready says no until it has  [none]")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->group(group);
  serve
      .add_option("--images-workflow", options.images_workflow,
                  "The workflow behind POST /v1/images/generations  [one for the first checkpoint]")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->group(group);
  serve
      .add_option("--images-edit-workflow", options.images_edit_workflow,
                  "The workflow behind POST /v1/images/edits  [one for the first checkpoint]")
      ->type_name("FILE")
      ->check(CLI::ExistingFile)
      ->group(group);
  serve.add_option("--images-time", options.images_time_s, "Seconds that a request of /v1/images waits for its pictures  [540]")
      ->check(CLI::Range(0.1, 86400.0))
      ->group(group);
  serve.add_flag("!--no-demonstration-models", options.demonstration_models, "Leave out the small models that ship to show what they do")->group(group);
  serve.add_option("--auth", options.auth,
                   "Who may use this server: a file with the keys of JSON web tokens (docs/hosting.md), or the word api-tokens for those of `darkroom token` alone  [everybody]")
      ->group(group);
  serve.add_flag("--insecure", options.insecure, "Listen on public addresses although there is no --auth")->group(group);
  serve.add_option("--link-hours", options.link_hours, "Hours that a signed link to a result is good  [24]")->check(CLI::Range(0.01, 1e5))->group(group);
  serve
      .add_option_function<std::string>(
          "--outbound", [&options](const std::string& word) { options.outbound = word == "public"; },
          "Where the server sends requests that users ask for (inputs by URL, webhooks): public addresses, or off  [public]")
      ->check(CLI::IsMember({"public", "off"}))
      ->group(group);
  serve
      .add_option("--outbound-allow", options.outbound_allow,
                  "A host, address or network such as 10.1.0.0/16 that is open to them too; may be given several times")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  serve
      .add_option("--webhook-secret", options.webhook_secret,
                  "What messages to webhooks are signed with, whsec_...; better by its variable or in --config, as others see command "
                  "lines  [webhook.secret "
                  "in the data folder]")
      ->group(group);
  UserLimits& user = options.user_limits;
  serve.add_option("--user-running", user.running, "Running jobs of one user; 0: any number  [0]")->check(CLI::NonNegativeNumber)->group(group);
  serve.add_option("--user-waiting", user.waiting, "Waiting jobs of one user; 0: any number  [100]")->check(CLI::NonNegativeNumber)->group(group);
  serve.add_option("--user-priority", user.priority, "Highest priority that users who do not run this server may give their jobs  [0]")
      ->check(CLI::Range(JobTerms::kLowestPriority, JobTerms::kHighestPriority))
      ->group(group);
  serve.add_option("--user-jobs", user.jobs_an_hour, "Jobs that one user sends in an hour; 0: any number  [0]")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  serve.add_option("--user-seconds", user.seconds_an_hour, "Seconds for which jobs of one user run in an hour; 0: any number  [0]")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  serve.add_option("--user-uploads", user.uploads_a_minute, "Uploads of one user in a minute; 0: any number  [60]")->check(CLI::NonNegativeNumber)->group(group);
  serve.add_option_function<std::string>("--user-bytes", [&user](const std::string& text) { user.bytes_an_hour = size_of("--user-bytes", text); },
                                         "Size of what one user uploads in an hour, such as 500M; 0: any  [4G]")->group(group);
  serve.add_option("--user-megapixels", user.megapixels_an_hour, "Millions of pixels that one user has restored in an hour; 0: any number  [4000]")
      ->check(CLI::NonNegativeNumber)->group(group);
  add_path(serve, "--worker-program", options.worker_program, "The worker  [darkroom-worker beside this program]")->group(group);
  serve.add_option_function<std::string>("--broker", [](const std::string& kind) {
         if (kind != "sqlite") refuse("--broker " + kind);
       }, "Where jobs are kept: sqlite  [sqlite]")->group(group);
  serve.add_option_function<std::string>("--storage", [](const std::string& kind) {
         if (kind != "folder") refuse("--storage " + kind);
       }, "Where pictures are kept: folder  [folder]")->group(group);
  serve.add_option("--config", config_file, "TOML or INI file: every flag is a key there, `port = 8189`")->group(group);
}

/// "--base-directory" → "DARKROOM_BASE_DIRECTORY".
void name_variables(CLI::App& serve) {
  for (CLI::Option* option : serve.get_options()) {
    if (option->get_lnames().empty() || option->get_group().empty() || option->get_single_name() == "help") continue;
    std::string name = "DARKROOM_" + option->get_lnames().front();
    for (char& c : name) c = c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    option->envname(name);
  }
}

}  // namespace

void declare_options(CLI::App& serve, Options& options, std::string& config_file, ServeNotes& notes) {
  add_comfyui(serve, options, notes);
  add_own(serve, options, config_file);
  add_foreign(serve, notes);
  name_variables(serve);
}

void apply_config_file(CLI::App& serve, const std::string& file) {
  std::ifstream stream(file);
  if (!stream) throw InvalidInput("--config: " + file + " can't be read");
  for (const auto& item : CLI::ConfigTOML().from_config(stream)) {
    if (item.name == "++" || item.name == "--") continue;  // how CLI11 says that a section begins or ends
    std::string name = item.name;
    std::replace(name.begin(), name.end(), '_', '-');
    CLI::Option* option = serve.get_option_no_throw("--" + name);
    const bool in_section = !item.parents.empty() && item.parents.front() != "serve" && item.parents.front() != "default";
    if (!option || name == "config" || in_section) throw InvalidInput("--config: " + file + ": \"" + item.fullname() + "\" is no flag of darkroom serve");
    if (option->count() > 0) continue;  // the command line and the environment go first
    for (const auto& value : item.inputs) option->add_result(value);
    option->run_callback();
  }
}

std::vector<std::string> fill_optional_values(std::vector<std::string> arguments) {
  constexpr std::array<std::pair<const char*, const char*>, 4> kMeanings{
      {{"--listen", "0.0.0.0,::"}, {"--verbose", "DEBUG"}, {"--enable-cors-header", "*"}, {"--cache-ram", "4"}}};
  std::vector<std::string> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    out.push_back(arguments[i]);
    const bool alone = i + 1 == arguments.size() || arguments[i + 1].starts_with("-");
    for (const auto& [flag, meaning] : kMeanings)
      if (arguments[i] == flag && alone) out.emplace_back(meaning);
  }
  return out;
}

}  // namespace darkroom
