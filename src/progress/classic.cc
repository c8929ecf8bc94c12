#include "progress/classic.h"

#include <fmt/format.h>

#include "image/units.h"
#include "progress/download_text.h"

namespace strata::progress {
namespace {

std::string short_hex(const ImageID& id) { return id.digest().hex().substr(0, 12); }

}  // namespace

std::string red(std::string_view text) { return fmt::format("\x1b[91m{}\x1b[0m", text); }

std::string Classic::heading(std::size_t step) const {
  return fmt::format("Step {}/{} : {}\n", step + 1, steps_.size(), steps_[step].plan.text);
}

void Classic::operator()(const Event& event) {
  std::visit(
      Overloaded{[&](const ContextSent& e) {
                   write_(fmt::format("Sending build context to Docker daemon {:>8}\r\r\n",
                                      human_size(e.bytes)));
                 },
                 [&](const Download& e) {
                   auto text = download_text(e, terminal_);
                   if (e.step)
                     put(*e.step, text);
                   else
                     write_(text);
                 },
                 [&](const Planned& e) {
                   for (const auto& step : e.steps) steps_.push_back({step, "", false});
                 },
                 [&](const StepStarted& e) { put(e.step, heading(e.step)); },
                 [&](const Note& e) {
                   if (e.step)
                     put(*e.step, e.text);
                   else
                     write_(e.warning ? red(e.text) : std::string(e.text));
                 },
                 [&](const StepCached& e) { put(e.step, " ---> Using cache\n"); },
                 [&](const ContainerStarted& e) {
                   put(e.step, fmt::format(" ---> Running in {}\n", e.id));
                 },
                 [&](const ContainerRemoved& e) {
                   put(e.step, fmt::format("Removing intermediate container {}\n", e.id));
                 },
                 [&](const Output& e) {
                   if (e.error)
                     put(e.step, red(e.text));
                   else
                     put(e.step, e.text);
                 },
                 [](const Copied&) {},
                 [&](const StepDone& e) { done(e); },
                 [&](const StepSkipped& e) {
                   put(e.step, heading(e.step) + " ---> Skipped (stage not needed)\n");
                   end(e.step);
                 },
                 [](const StepFailed&) {},
                 [&](const ShellOpened&) { give_up(); },
                 [&](const Built& e) {
                   write_(fmt::format("Successfully built {}\n", short_hex(e.image)));
                 },
                 [](const ActionStarted&) {},
                 [&](const ActionNote& e) { write_(fmt::format("{}\n", e.text)); },
                 [](const ActionDone&) {},
                 [&](const Tagged& e) { write_(fmt::format("Successfully tagged {}\n", e.name)); },
                 [&](const Ended&) { give_up(); }},
      event.what);
}

void Classic::done(const StepDone& event) {
  if (steps_[event.step].plan.stage)
    put(event.step, event.image ? fmt::format(" ---> {}\n", short_hex(*event.image)) : " ---> \n");
  end(event.step);
}

void Classic::put(std::size_t step, std::string_view text) {
  if (text.empty()) return;
  if (step == current_)
    write_(text);
  else
    steps_[step].waiting += text;
}

void Classic::end(std::size_t step) {
  steps_[step].ended = true;
  while (current_ < steps_.size() && steps_[current_].ended) {
    if (++current_ == steps_.size() || steps_[current_].waiting.empty()) continue;
    write_(steps_[current_].waiting);
    steps_[current_].waiting.clear();
  }
}

/// Of each stage what has come up to its first step that will have no ID any more.
void Classic::give_up() {
  for (std::size_t i = current_; i < steps_.size(); i++) {
    if (!steps_[i].waiting.empty()) write_(steps_[i].waiting);
    steps_[i].waiting.clear();
    if (steps_[i].ended) continue;
    while (i + 1 < steps_.size() && steps_[i + 1].plan.stage == steps_[i].plan.stage) i++;
  }
}

}  // namespace strata::progress
