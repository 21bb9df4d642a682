#include "gateway/progress_state.hpp"

#include <algorithm>

#include "gateway/json_text.hpp"

namespace darkroom {

ProgressState::ProgressState(std::string prompt_id) : prompt_id_(std::move(prompt_id)) {}

std::size_t ProgressState::touch(const NodeIds& ids) {
  const auto [found, added] = index_.emplace(ids.node, nodes_.size());
  if (!added) return found->second;
  Node node{.ids = ids};
  append_text(node.head, ids.node);
  node.head += ":{\"value\":";
  append_text(node.tail += ",\"node_id\":", ids.node);
  append_text(node.tail += ",\"prompt_id\":", prompt_id_);
  append_text(node.tail += ",\"display_node_id\":", ids.display);
  node.tail += ",\"parent_node_id\":";
  if (ids.parent) append_text(node.tail, *ids.parent);
  else node.tail += "null";
  append_text(node.tail += ",\"real_node_id\":", ids.real);
  node.tail += '}';
  nodes_.push_back(std::move(node));
  return found->second;
}

void ProgressState::mark(std::size_t index) {
  written_ = std::min(written_, index);
  if (std::exchange(nodes_[index].changed, true)) return;
  changed_.push_back(index);
}

void ProgressState::set_running(Node& node, bool running) {
  if (node.running == running) return;
  node.running = running;
  if (running) {
    ++running_;
    runners_.push_back(static_cast<std::size_t>(&node - nodes_.data()));
  } else {
    --running_;
  }
}

void ProgressState::start(const NodeIds& ids) {
  const std::size_t index = touch(ids);
  Node& node = nodes_[index];
  node.value = 0.0;
  node.max = 1.0;
  set_running(node, true);
  mark(index);
}

void ProgressState::step(const NodeProgress& event) {
  const std::size_t index = touch(NodeIds::plain(event.node));
  Node& node = nodes_[index];
  node.value = event.value;
  node.max = event.max;
  set_running(node, true);
  mark(index);
}

void ProgressState::finish(const NodeIds& ids, bool cached) {
  const std::size_t index = touch(ids);
  Node& node = nodes_[index];
  if (cached && node.max.is_null()) node.max = 1;
  else if (node.max.is_null()) node.max = 1.0;
  node.value = node.max;
  set_running(node, false);
  mark(index);
}

const NodeIds* ProgressState::ids(const std::string& node) const {
  const auto found = index_.find(node);
  return found == index_.end() ? nullptr : &nodes_[found->second].ids;
}

std::string ProgressState::opening() const {
  std::string out = R"({"type":"progress_state","data":{"prompt_id":)";
  append_text(out, prompt_id_);
  out += ",\"nodes\":{";
  return out;
}

void ProgressState::append(std::string& out, const Node& node) {
  if (!out.empty() && out.back() != '{') out += ',';
  out += node.head;
  dump_to(out, node.value);
  out += ",\"max\":";
  dump_to(out, node.max);
  out += node.running ? ",\"state\":\"running\"" : ",\"state\":\"finished\"";
  out += node.tail;
}

std::string ProgressState::whole_message() {
  // Nearly always the node that changed is the last one: what stands before it is not written again.
  body_.resize(written_ == 0 ? 0 : ends_[written_ - 1]);
  ends_.resize(nodes_.size());
  for (; written_ < nodes_.size(); ++written_) {
    append(body_, nodes_[written_]);
    ends_[written_] = body_.size();
  }
  std::string out = opening();
  out.reserve(out.size() + body_.size() + 3);
  out += body_;
  out += "}}}";
  return out;
}

std::string ProgressState::changes_message() {
  constexpr std::size_t kRoom = 2048;  // for the last entry and the closing braces
  std::string out = opening();
  std::erase_if(runners_, [&](std::size_t index) { return !nodes_[index].running; });
  std::vector<std::size_t> wanted = runners_;
  wanted.insert(wanted.end(), changed_.begin(), changed_.end());
  std::vector<std::size_t> shown, left;
  for (const std::size_t index : wanted) {
    Node& node = nodes_[index];
    if (node.in_message) continue;
    if (out.size() + node.head.size() + node.tail.size() + kRoom > kProgressBytes) {
      if (node.changed) left.push_back(index);
      continue;
    }
    node.in_message = true;
    shown.push_back(index);
    append(out, node);
  }
  for (const std::size_t index : shown) nodes_[index].in_message = nodes_[index].changed = false;
  // A runner is also in the list of changes: each index once.
  std::ranges::sort(left);
  left.erase(std::unique(left.begin(), left.end()), left.end());
  changed_ = std::move(left);
  out += "}}}";
  return out;
}

}  // namespace darkroom
