/*
 * refusal: how an exported function ends.
 *
 * Nothing is thrown across GE's interface: what was thrown becomes a status,
 * and its text goes where aclGetRecentErrMsg of the same thread finds it.
 */
#ifndef FAKE_GE_REFUSAL_H
#define FAKE_GE_REFUSAL_H

#include <exception>
#include <string>

#include "graph/ge_error_codes.h"
#include "visible.h"

namespace fake
{

/* A status that GE returns here, and why. */
class VISIBLE Refusal : public std::exception
{
  public:
    Refusal(ge::graphStatus status, std::string text) : status_(status), text_(std::move(text))
    {
    }
    ~Refusal() override;
    const char *what() const noexcept override;
    ge::graphStatus status() const
    {
        return status_;
    }

  private:
    ge::graphStatus status_;
    std::string text_;
};

/* The text of the exception that is being handled is told; its status. */
VISIBLE ge::graphStatus refused(const char *function) noexcept;

template <typename Body> ge::graphStatus answered(const char *function, Body body) noexcept
{
    try {
        body();
        return ge::GRAPH_SUCCESS;
    } catch (...) {
        return refused(function);
    }
}

[[noreturn]] inline void fail(std::string text)
{
    throw Refusal(ge::GRAPH_FAILED, std::move(text));
}

[[noreturn]] inline void invalid(std::string text)
{
    throw Refusal(ge::GRAPH_PARAM_INVALID, std::move(text));
}

}  // namespace fake

#endif
