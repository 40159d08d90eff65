#include "daemon/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/summary.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <mutex>
#include <utility>

namespace tidemark {

namespace {

// The quantiles' window, as in Go's client, which git-sync uses.
constexpr auto summary_age = std::chrono::minutes(10);

struct CounterOf final : Counter {
  explicit CounterOf(prometheus::Counter& c) : inner(c) {}
  void increment(double by) override { inner.Increment(by); }
  prometheus::Counter& inner;
};

struct GaugeOf final : Gauge {
  explicit GaugeOf(prometheus::Gauge& g) : inner(g) {}
  void set(double value) override { inner.Set(value); }
  prometheus::Gauge& inner;
};

template <typename Inner>
struct ObserverOf final : Histogram {
  explicit ObserverOf(Inner& i) : inner(i) {}
  void observe(double value) override { inner.Observe(value); }
  Inner& inner;
};

}  // namespace

struct Metrics::Implementation {
  using Key = std::pair<std::string, Labels>;

  // The object of this name and these labels, made by `make` when it is asked for the first time.
  template <typename T, typename Make>
  T& find_or_make(std::map<Key, std::unique_ptr<T>>& objects, const std::string& name, const Labels& labels, Make make) {
    const std::lock_guard lock(mutex);
    auto& object = objects[{name, labels}];
    if (!object) object = make();
    return *object;
  }

  std::mutex mutex;
  prometheus::Registry registry;  // gives the same family again for a name that it knows
  std::map<Key, std::unique_ptr<Counter>> counters;
  std::map<Key, std::unique_ptr<Gauge>> gauges;
  std::map<Key, std::unique_ptr<Histogram>> observers;
};

Metrics::Metrics() : implementation_(std::make_unique<Implementation>()) {}
Metrics::~Metrics() = default;

Counter& Metrics::counter(const std::string& name, const std::string& help, const Labels& labels) {
  auto& self = *implementation_;
  return self.find_or_make(self.counters, name, labels, [&] {
    return std::make_unique<CounterOf>(prometheus::BuildCounter().Name(name).Help(help).Register(self.registry).Add(labels));
  });
}

Gauge& Metrics::gauge(const std::string& name, const std::string& help, const Labels& labels) {
  auto& self = *implementation_;
  return self.find_or_make(self.gauges, name, labels, [&] {
    return std::make_unique<GaugeOf>(prometheus::BuildGauge().Name(name).Help(help).Register(self.registry).Add(labels));
  });
}

Histogram& Metrics::histogram(const std::string& name, const std::string& help, std::vector<double> bounds, const Labels& labels) {
  auto& self = *implementation_;
  return self.find_or_make(self.observers, name, labels, [&] {
    auto& family = prometheus::BuildHistogram().Name(name).Help(help).Register(self.registry);
    return std::make_unique<ObserverOf<prometheus::Histogram>>(family.Add(labels, bounds));
  });
}

Histogram& Metrics::summary(const std::string& name, const std::string& help, const Labels& labels) {
  auto& self = *implementation_;
  return self.find_or_make(self.observers, name, labels, [&] {
    const prometheus::Summary::Quantiles quantiles{{0.5, 0.05}, {0.9, 0.01}, {0.99, 0.001}};
    auto& family = prometheus::BuildSummary().Name(name).Help(help).Register(self.registry);
    return std::make_unique<ObserverOf<prometheus::Summary>>(family.Add(labels, quantiles, summary_age));
  });
}

std::string Metrics::exposition() const { return prometheus::TextSerializer().Serialize(implementation_->registry.Collect()); }

}  // namespace tidemark
