#include "progress/rawjson.h"

namespace strata::progress {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kCopiedInterval{100};

/// How many bytes at the end of `text` begin a character of UTF-8 that is not complete: at most 3.
std::size_t cut_character(std::string_view text) {
  for (std::size_t n = 1; n <= 3 && n <= text.size(); n++) {
    auto byte = static_cast<unsigned char>(text[text.size() - n]);
    if ((byte & 0xC0U) == 0x80U) continue;  // not the first byte
    std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > n ? n : 0;
  }
  return 0;
}

Json plan_json(const Planned& e) {
  auto stages = Json::Array();
  for (const auto& stage : e.stages)
    stages.emplace_back(Json::Object{{"name", stage.name}, {"needed", stage.needed}});
  return Json(std::move(stages));
}

Json steps_json(const Planned& e) {
  auto steps = Json::Array();
  for (const auto& step : e.steps) {
    Json::Object one;
    if (step.stage) one.emplace_back("stage", *step.stage);
    one.emplace_back("number", step.number);
    one.emplace_back("text", step.text);
    if (step.line != 0) one.emplace_back("line", step.line);
    steps.emplace_back(std::move(one));
  }
  return Json(std::move(steps));
}

}  // namespace

void RawJson::put(const Event& event, std::string_view name, Json::Object members) {
  Json::Object all{{"at", static_cast<double>(event.at.count()) / 1000}, {"event", name}};
  for (auto& member : members) all.push_back(std::move(member));
  write_(Json(std::move(all)).dump() + "\n");
}

void RawJson::operator()(const Event& event) {
  auto simple = [&](std::string_view name, std::size_t step) {
    put(event, name, {{"step", step}});
  };
  std::visit(
      Overloaded{[&](const ContextSent& e) {
                   put(event, "context", {{"bytes", e.bytes}});
                 },
                 [&](const Download& e) {
                   Json::Object members;
                   if (e.step) members.emplace_back("step", *e.step);
                   members.emplace_back("url", e.url);
                   members.emplace_back("bytes", e.bytes);
                   if (e.total) members.emplace_back("total", *e.total);
                   put(event, "download", std::move(members));
                 },
                 [&](const Planned& e) {
                   put(event, "plan", {{"stages", plan_json(e)}, {"steps", steps_json(e)}});
                 },
                 [&](const StepStarted& e) { simple("start", e.step); },
                 [&](const Note& e) {
                   Json::Object members;
                   if (e.step) members.emplace_back("step", *e.step);
                   members.emplace_back("text", e.text);
                   if (e.warning) members.emplace_back("warning", true);
                   put(event, "note", std::move(members));
                 },
                 [&](const StepCached& e) { simple("cached", e.step); },
                 [&](const ContainerStarted& e) { simple("container", e.step); },
                 [](const ContainerRemoved&) {},
                 [&](const Output& e) { output(event, e); },
                 [&](const Copied& e) {
                   auto [last, first] = copied_.try_emplace(e.step, event.at);
                   if (!first && event.at - last->second < kCopiedInterval) return;
                   last->second = event.at;
                   put(event, "copied", {{"step", e.step}, {"bytes", e.bytes}});
                 },
                 [&](const StepDone& e) {
                   flush(event, e.step);
                   Json::Object members{{"step", e.step}};
                   if (e.image) members.emplace_back("image", e.image->str());
                   put(event, "done", std::move(members));
                 },
                 [&](const StepSkipped& e) { simple("skipped", e.step); },
                 [&](const StepFailed& e) {
                   flush(event, e.step);
                   put(event, "failed",
                       {{"step", e.step}, {"message", e.message}, {"exitCode", e.exit_code}});
                 },
                 [&](const ShellOpened&) { put(event, "shell", {}); },
                 [&](const Built& e) {
                   put(event, "built", {{"image", e.image.str()}});
                 },
                 [&](const ActionStarted& e) {
                   put(event, "action", {{"text", e.text}});
                 },
                 [&](const ActionNote& e) {
                   put(event, "action-note", {{"text", e.text}});
                 },
                 [&](const ActionDone&) { put(event, "action-done", {}); },
                 [&](const Tagged& e) {
                   put(event, "tagged", {{"name", e.name}});
                 },
                 [&](const Ended& e) {
                   Json::Object members{{"ok", !e.error}};
                   if (e.error) members.emplace_back("error", *e.error);
                   put(event, "end", std::move(members));
                 }},
      event.what);
}

void RawJson::output(const Event& event, const Output& o) {
  auto& cut = cut_[{o.step, o.error}];
  std::string text = std::move(cut) + std::string(o.text);
  auto tail = cut_character(text);
  cut = text.substr(text.size() - tail);
  text.resize(text.size() - tail);
  if (text.empty()) return;
  put(event, "output",
      {{"step", o.step}, {"stream", o.error ? "stderr" : "stdout"}, {"text", std::move(text)}});
}

void RawJson::flush(const Event& event, std::size_t step) {
  for (bool error : {false, true}) {
    auto cut = cut_.extract({step, error});
    if (cut && !cut.mapped().empty())
      put(event, "output",
          {{"step", step}, {"stream", error ? "stderr" : "stdout"}, {"text", cut.mapped()}});
  }
}

}  // namespace strata::progress
