#include "restoration/words.hpp"

#include <cstdlib>

#include "base/text.hpp"

namespace darkroom::restoration {
namespace {

struct Entry {
  std::string_view key, english, chinese;
};

constexpr Entry kEntries[] = {
    // -- stages
    {"uploading", "Receiving the photo", "正在接收照片"},
    {"uploaded", "The photo has arrived", "照片已收到"},
    {"accepted", "The job was accepted", "任务已接受"},
    {"next", "Waiting: you are next", "等待中：下一个就是您"},
    {"waiting", "Waiting: {ahead} before you", "等待中：前面还有 {ahead} 个"},
    {"reading", "Reading the photo", "正在读取照片"},
    {"again", "The program that worked on it stopped; starting again", "处理程序意外停止，正在重新开始"},
    {"loading", "Opening the models", "正在打开模型"},
    {"opened", "Opening the models: {count} of {all} done", "正在打开模型：已完成 {count}/{all} 个"},
    {"step", "{source}", "{source}"},
    {"part", "{source}: {tile} of {tiles} parts done", "{source}：已完成 {tile}/{tiles} 块"},
    {"share", "{source}: {percent} %", "{source}：{percent}%"},
    {"saving", "Saving the result", "正在保存结果"},
    {"complete", "Done", "完成"},
    // -- steps
    {"denoise", "Removing noise", "去除噪点"},
    {"scratch", "Repairing scratches", "修复划痕"},
    {"colorize", "Adding colour", "上色"},
    {"upscale", "Enlarging", "放大"},
    {"sharpen", "Sharpening", "锐化"},
    // -- ends that are none
    {"cancelled", "Cancelled", "已取消"},
    {"model_missing", "Model failed to load: missing weights file{which}", "模型加载失败：缺少权重文件{which}"},
    {"model_failed", "Model failed to load: {why}", "模型加载失败：{why}"},
    {"bad_image", "The picture can't be read: {why}", "无法读取图片：{why}"},
    {"out_of_memory", "There was not enough memory: {why}", "内存不足：{why}"},
    {"worker_lost", "The program that worked on it stopped twice: {why}", "处理程序两次意外停止：{why}"},
    {"failed", "It failed: {why}", "处理失败：{why}"},
    {"lost", "The server has lost this job; please send the photo again", "服务器丢失了该任务，请重新发送照片"},
    {"upload_cut", "The upload broke off", "上传中断"},
    {"refused", "{why}", "{why}"},
    {"not_watchable", "There is no restoration of this id", "没有此编号的修复任务"},
    {"stopping", "The server is stopping", "服务器正在停止"},
};

const Entry* entry_of(std::string_view key) {
  for (const Entry& entry : kEntries)
    if (entry.key == key) return &entry;
  return nullptr;
}

std::string text_of(Language language, const json::value& value) {
  if (!value.is_string()) return dump(value);
  const std::string_view text = value.get_string();
  return text.starts_with('#') ? words(language, text.substr(1), {}) : std::string(text);
}

/// `zh`, `zh-TW`, `en-GB`: the main tag counts.
bool names(std::string_view tag, std::string_view language) {
  const std::string low = lower(trim(tag));
  return low == language || low.starts_with(std::string(language) + '-');
}

}  // namespace

Language choose_language(std::string_view asked, std::string_view accept_language) {
  if (names(asked, "zh")) return Language::kChinese;
  if (names(asked, "en")) return Language::kEnglish;
  double best = 0;
  Language chosen = Language::kEnglish;
  for (const std::string& item : split(accept_language, ',')) {
    const auto parts = split(item, ';');
    double weight = 1;
    for (std::size_t i = 1; i < parts.size(); ++i)
      if (const std::string part(trim(parts[i])); part.starts_with("q=")) weight = std::strtod(part.c_str() + 2, nullptr);
    const bool chinese = names(parts.front(), "zh");
    if ((!chinese && !names(parts.front(), "en")) || !(weight > best)) continue;
    best = weight;
    chosen = chinese ? Language::kChinese : Language::kEnglish;
  }
  return chosen;
}

std::string words(Language language, std::string_view key, const json::object& with) {
  const Entry* entry = entry_of(key);
  if (!entry) return std::string(key);
  const std::string_view text = language == Language::kChinese ? entry->chinese : entry->english;
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('{', at);
    const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) return out.append(text.substr(at));
    out.append(text.substr(at, open - at));
    if (const auto* value = find(with, text.substr(open + 1, close - open - 1))) out += text_of(language, *value);
    at = close + 1;
  }
  return out;
}

}  // namespace darkroom::restoration
