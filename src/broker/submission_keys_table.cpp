#include "broker/submission_keys_table.hpp"

#include "broker/sqlite.hpp"

namespace darkroom {

std::optional<KeyUse> find_submission_key(Database& database, const std::string& owner, const std::string& scope, const std::string& key,
                                          std::int64_t now) {
  Statement rows = database.prepare(
      "SELECT fingerprint, job_id, number FROM submission_keys WHERE owner = ?1 AND scope = ?2 AND key = ?3 AND created > ?4");
  rows.bind(owner, scope, key, now - kKeyLifeMs);
  if (!rows.step()) return std::nullopt;
  return KeyUse{.fingerprint = rows.text(0), .job_id = rows.text(1), .number = rows.number(2)};
}

void take_submission_key(Database& database, const SubmissionKey& key, const JobRow& job, std::int64_t now) {
  database.prepare("DELETE FROM submission_keys WHERE created <= ?1").bind(now - kKeyLifeMs).run();
  if (auto use = find_submission_key(database, job.owner, key.scope, key.key, now)) throw KeyTaken(std::move(*use));
  database
      .prepare("INSERT INTO submission_keys (owner, scope, key, created, fingerprint, job_id, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")
      .bind(job.owner, key.scope, key.key, now, key.fingerprint, job.id, job.number)
      .run();
}

}  // namespace darkroom
