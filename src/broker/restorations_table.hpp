#pragma once
// The tables of restorations and their messages (sql/004_restorations.sql).

#include "broker/restoration_store.hpp"

namespace darkroom {

class Database;

void save_restoration(Database& database, const RestorationRow& row, const std::vector<RestorationMessage>& messages);
std::optional<RestorationRow> find_restoration(Database& database, const std::string& owner, const std::string& id);
std::vector<RestorationRow> list_restorations(Database& database, const std::string& owner, std::int64_t limit);
std::vector<RestorationRow> unended_restorations(Database& database);
std::vector<RestorationRow> restorations_ended_before(Database& database, std::int64_t moment);
std::vector<RestorationMessage> restoration_messages(Database& database, const std::string& owner, const std::string& id, std::int64_t after);
void forget_restoration(Database& database, const std::string& owner, const std::string& id);

}  // namespace darkroom
