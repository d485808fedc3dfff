using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>A message that is taken back between its claim and the reading of its record, its block used again at once.</summary>
public sealed class WithdrawnAtClaimTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void The_next_message_in_its_block_is_not_handed_out_under_the_old_claim()
    {
        using MessageQueue sender = _root.Open("q", new QueueOptions { Blocks = 1 });
        using MessageQueue receiver = _root.Open();
        sender.Send([1, 2, 3]);
        using Ring ring = receiver.OpenRing();
        int index = sender.ParticipantIndex;
        long incarnation = Entries.IncarnationOf(Volatile.Read(ref ring.Entry(index)));
        Peer owner = new(Participant.Attach(Inside.DirectoryOf(receiver), ring, index, incarnation)!);
        try
        {
            // What the receiver's claim of the message before this one had left in the state.
            BlockState now = owner.File.State(0);
            Assert.Equal(Phase.Queued, now.Phase);
            BlockState claimed = new(now.Generation - 1, Phase.Leased, receiver.ParticipantIndex, 0);
            Assert.Null(receiver.Admit(owner, 0, claimed, CurrentThread.Id));
            Assert.Null(receiver.AdmitOutOfTurn(owner, 0, claimed));
            Assert.Equal(now, owner.File.State(0));
        }
        finally
        {
            owner.Release();
        }

        using ReceivedMessage message = receiver.Receive(TimeSpan.FromSeconds(10));
        Assert.Equal([1, 2, 3], message.ToArray());
        message.Complete();
    }
}
