using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Interop;

public sealed class CoarseClockTests
{
    [Fact]
    public void It_tells_the_time_of_day_to_a_tick_and_goes_on()
    {
        const long Tick = 20_000; // Microseconds; of the slowest kernel, and as much for one that is late.
        long first = CoarseClock.Microseconds;
        long now = Now(), clock = CoarseClock.Microseconds, after = Now();
        Assert.InRange(clock, now - Tick, after);
        Eventually.True(() => CoarseClock.Microseconds > first, "the clock goes on");

        static long Now() => (DateTime.UtcNow - DateTime.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
    }
}
