#include "broker/queue_mirror.hpp"

#include <algorithm>

namespace darkroom {
namespace {

constexpr std::string_view kLocal = "local";  ///< Job::owner of whoever runs the server

std::size_t text_bytes(const QueuedJob& job) { return job.prompt.size() + job.extra_data.size() + job.outputs.size(); }

}  // namespace

void QueuedJob::append_tuple(std::string& out) const {
  out += '[';
  dump_to(out, number);
  out += ',';
  dump_to(out, json::value(id));
  ((((((out += ',') += prompt) += ',') += extra_data) += ',') += outputs) += ']';
}

JobRow QueueMirror::Entry::row() const {
  return {.ticket = ticket,
          .owner = view->owner,
          .id = view->id,
          .number = view->number,
          .explicit_number = explicit_number,
          .client_id = view->client_id,
          .has_client = has_client,
          .attempt = attempt,
          .losses = losses,
          .create_time = view->create_time,
          .workflow_id = view->workflow_id,
          .output_ids = view->outputs,
          .extra_data = view->extra_data,
          .prompt = view->prompt,
          .secrets = secrets,
          .terms = view->terms};
}

QueueMirror::Entry& QueueMirror::add(JobRow row, bool with_texts) {
  auto view = std::make_shared<QueuedJob>();
  view->ticket = row.ticket;
  view->id = row.id;
  view->owner = row.owner;
  view->client_id = row.client_id;
  view->workflow_id = row.workflow_id;
  view->number = row.number;
  view->create_time = row.create_time;
  view->terms = std::move(row.terms);

  Entry entry{.ticket = row.ticket,
              .number = row.number.is_number() ? row.number.to_number<double>() : 0,
              .explicit_number = row.explicit_number,
              .has_client = row.has_client,
              .attempt = row.attempt,
              .losses = row.losses,
              .priority = JobTerms::of(view->terms).priority};
  const std::size_t bytes = row.prompt.size() + row.extra_data.size() + row.output_ids.size();
  if (with_texts && text_bytes_ + bytes <= kMirrorTextBytes) {
    view->prompt = std::move(row.prompt);
    view->extra_data = std::move(row.extra_data);
    view->outputs = std::move(row.output_ids);
    entry.secrets = std::move(row.secrets);
    entry.texts = true;
    text_bytes_ += bytes;
  }
  entry.view = std::move(view);
  Entry& placed = entries_.emplace(entry.ticket, std::move(entry)).first->second;
  by_id_.emplace(placed.view->id, placed.ticket);
  fair_.add(place_of(placed));
  order_.reset();
  count(placed, 1);
  return placed;
}

QueueEntry QueueMirror::place_of(const Entry& entry) const {
  return {.ticket = entry.ticket,
          .number = entry.number,
          .explicit_number = entry.explicit_number,
          .owner = entry.view->owner,
          .client = entry.has_client ? entry.view->client_id : "",
          .priority = entry.priority};
}

QueueMirror::Entry* QueueMirror::find(std::int64_t ticket) {
  const auto found = entries_.find(ticket);
  return found == entries_.end() ? nullptr : &found->second;
}

QueueMirror::Entry* QueueMirror::running(Claim claim) {
  Entry* entry = find(claim.ticket);
  return entry && entry->state == State::kRunning && entry->attempt == claim.attempt ? entry : nullptr;
}

QueueMirror::Entry* QueueMirror::pending(const std::string& owner, const std::string& id) {
  Entry* first = nullptr;
  const auto [begin, end] = by_id_.equal_range(id);
  for (auto item = begin; item != end; ++item) {
    Entry* entry = find(item->second);
    if (entry->state == State::kPending && entry->view->owner == owner && (!first || entry->ticket < first->ticket)) first = entry;
  }
  return first;
}

const QueueMirror::Entry* QueueMirror::oldest(std::string_view owner, std::string_view id) const {
  const Entry* first = nullptr;
  const auto [begin, end] = by_id_.equal_range(std::string(id));
  for (auto item = begin; item != end; ++item) {
    const Entry& entry = entries_.at(item->second);
    if (entry.view->owner == owner && (!first || entry.ticket < first->ticket)) first = &entry;
  }
  return first;
}

std::vector<QueueMirror::Entry*> QueueMirror::all_pending(const std::string& owner) {
  std::vector<Entry*> list;
  for (auto& [ticket, entry] : entries_)
    if (entry.state == State::kPending && entry.view->owner == owner) list.push_back(&entry);
  return list;
}

std::vector<QueueMirror::Entry*> QueueMirror::expired(Clock::time_point now) {
  std::vector<Entry*> list;
  for (auto& [ticket, entry] : running_)
    if (entry->state == State::kRunning && entry->lease_until < now) list.push_back(entry);
  return list;
}

QueueMirror::Entry* QueueMirror::take_next() {
  const auto ticket = fair_.take();
  if (!ticket) return nullptr;
  order_.reset();
  Entry& entry = entries_.at(*ticket);
  count(entry, -1);
  entry.state = State::kRunning;
  ++entry.attempt;
  running_.emplace(entry.ticket, &entry);
  count(entry, 1);
  return &entry;
}

void QueueMirror::count(const Entry& entry, int change) {
  const bool runs = entry.state == State::kRunning || (entry.state == State::kLeaving && entry.was_running);
  const std::string& owner = entry.view->owner;
  QueueCounts& own = counts_by_owner_[owner];
  for (QueueCounts* counts : {&counts_, &own}) {
    std::size_t& number = runs ? counts->running : counts->pending;
    number += static_cast<std::size_t>(change);
  }
  if (runs && user_running_ > 0 && owner != kLocal) fair_.rest(owner, own.running >= user_running_);
  if (own.total() == 0) counts_by_owner_.erase(owner);
}

QueueCounts QueueMirror::counts_of(std::string_view owner) const {
  const auto found = counts_by_owner_.find(std::string(owner));
  return found == counts_by_owner_.end() ? QueueCounts() : found->second;
}

const std::vector<std::int64_t>& QueueMirror::order() {
  if (!order_) order_ = fair_.order();
  return *order_;
}

void QueueMirror::put_back(Entry& entry) {
  if (entry.state == State::kPending) return;
  count(entry, -1);
  running_.erase(entry.ticket);
  leaving_.erase(entry.ticket);
  entry.state = State::kPending;
  count(entry, 1);
  fair_.add(place_of(entry));
  order_.reset();
}

void QueueMirror::hold(Entry& entry) {
  if (entry.state == State::kLeaving) return;
  entry.was_running = entry.state == State::kRunning;
  if (!entry.was_running) {
    fair_.remove(entry.ticket);
    order_.reset();
    leaving_.emplace(entry.ticket, &entry);
  }
  entry.state = State::kLeaving;
}

void QueueMirror::erase(std::int64_t ticket) {
  Entry* entry = find(ticket);
  if (!entry) return;
  count(*entry, -1);
  if (entry->state == State::kPending) {
    fair_.remove(ticket);
    order_.reset();
  }
  running_.erase(ticket);
  leaving_.erase(ticket);
  if (entry->texts) text_bytes_ -= text_bytes(*entry->view);
  const auto [begin, end] = by_id_.equal_range(entry->view->id);
  by_id_.erase(std::find_if(begin, end, [&](const auto& item) { return item.second == ticket; }));
  entries_.erase(ticket);
}

std::vector<const QueueMirror::Entry*> QueueMirror::running_entries(const std::string& owner) const {
  std::vector<const Entry*> list;
  for (const auto& [ticket, entry] : running_)
    if (entry->view->owner == owner) list.push_back(entry);
  return list;
}

std::vector<const QueueMirror::Entry*> QueueMirror::pending_entries(const std::string& owner) {
  std::vector<const Entry*> list;
  for (const auto& [ticket, entry] : leaving_)
    if (entry->view->owner == owner) list.push_back(entry);
  for (const std::int64_t ticket : order())
    if (const Entry& entry = entries_.at(ticket); entry.view->owner == owner) list.push_back(&entry);
  return list;
}

}  // namespace darkroom
