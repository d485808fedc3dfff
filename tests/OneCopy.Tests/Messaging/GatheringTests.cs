using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>When a receiver looks away so that messages gather: only as long as they come faster by it.</summary>
public class GatheringTests
{
    private const int Fast = 150;
    private const int InLockstep = 600;

    private long _now = 1_000_000;
    private int _pauses;

    [Fact]
    public void A_sender_that_is_faster_alone_is_left_alone_most_of_the_time()
    {
        Gathering gathering = new();
        long begun = _now;
        int messages = Receive(gathering, 100_000, alone: Fast, inLockstep: InLockstep);
        Assert.InRange((_now - begun) / messages, Fast, InLockstep * 3 / 4);
        Assert.InRange(_pauses, 50, messages / 16);
    }

    [Fact]
    public void Where_it_makes_nothing_faster_it_is_given_up_and_tried_again_ever_more_seldom()
    {
        // So many a second, whatever the receiver does.
        Gathering gathering = new();
        Receive(gathering, 1_000_000, alone: InLockstep, inLockstep: InLockstep);
        Assert.InRange(_pauses, 1, 1_000);
    }

    [Fact]
    public void A_request_at_a_time_is_late_by_it_twice_a_trial_and_hardly_ever()
    {
        Gathering gathering = new();
        for (int i = 0; i < 1_000_000; i++)
            Wait(gathering, 900);
        Assert.InRange(_pauses, 1, 60);
    }

    [Fact]
    public void Messages_that_are_seldom_are_never_looked_away_from()
    {
        Gathering gathering = new();
        for (int i = 0; i < 10_000; i++)
            Wait(gathering, 5_000);
        Assert.Equal(0, _pauses);
    }

    [Fact]
    public void It_ends_when_the_stream_does()
    {
        Gathering gathering = new();
        Receive(gathering, 10_000, alone: Fast, inLockstep: InLockstep);
        _pauses = 0;
        for (int i = 0; i < 1_000; i++)
            Wait(gathering, 900);
        Assert.InRange(_pauses, 0, 16);
    }

    /// <summary>A sender that needs <paramref name="alone"/> ns for a message while it is looked away from, and else <paramref name="inLockstep"/>; the receiver needs next to nothing. How many came.</summary>
    private int Receive(Gathering gathering, int atLeast, int alone, int inLockstep)
    {
        int received = 0;
        while (received < atLeast)
        {
            if (gathering.BeginWait(_now))
            {
                _pauses++;
                _now += Gathering.Pause;
                int gathered = (int)(Gathering.Pause / alone);
                gathering.EndWait(Gathering.Pause, _now);
                gathering.Found(gathered - 1);
                received += gathered;
            }
            else
            {
                _now += inLockstep;
                gathering.EndWait(inLockstep, _now);
                received++;
            }
        }

        return received;
    }

    // One message, that long after the wait for it began: or when the look away is over.
    private void Wait(Gathering gathering, long nanoseconds)
    {
        long waited = nanoseconds;
        if (gathering.BeginWait(_now))
        {
            _pauses++;
            waited = Math.Max(waited, Gathering.Pause);
        }

        _now += waited;
        gathering.EndWait(waited, _now);
    }
}
