using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Joining beside the dead, the damaged, the half-joined and those who left messages.</summary>
public sealed class JoinTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Closed_handles_whose_messages_wait_do_not_count_as_participants()
    {
        QueueOptions two = new() { MaxParticipants = 2 };
        for (byte i = 0; i < 5; i++)
        {
            using MessageQueue sender = _root.Open(options: two);
            sender.Send([i], cancellationToken: Ct);
        }

        using MessageQueue receiver = _root.Open();
        using MessageQueue second = _root.Open();
        OneCopyException full = Assert.Throws<OneCopyException>(() => _root.Open());
        Assert.Contains("All 2 participants", full.Message, StringComparison.Ordinal);
        for (byte i = 0; i < 5; i++)
        {
            using ReceivedMessage message = receiver.Receive(s_soon, Ct);
            Assert.Equal([i], message.ToArray());
            message.Complete();
        }

        Assert.Equal(2, receiver.Statistics.Participants.Count);
        Assert.Equal(3, Inside.FilesOf(receiver.Path).Length);
    }

    [Fact]
    public void Killed_and_closed_handles_whose_messages_wait_take_all_places_but_one_at_most_and_each_place_is_free_again_with_its_last_message()
    {
        QueueOptions one = new() { MaxParticipants = 2, RingCapacity = 2048, Blocks = 1, ArenaLimit = 0 };
        using MessageQueue receiver = _root.Open(options: one);
        using Ring ring = receiver.OpenRing();
        MakeDead(receiver, ring, Cell.MaxParticipants - 1);
        OneCopyException full = Assert.Throws<OneCopyException>(() => _root.Open(options: one));
        Assert.Contains("All 1023 places", full.Message, StringComparison.Ordinal);
        Assert.Contains("1022 of them", full.Message, StringComparison.Ordinal);
        for (int i = 0; i < Cell.MaxParticipants - 1; i++)
        {
            using ReceivedMessage message = receiver.Receive(s_soon, Ct);
            Assert.Equal([42], message.ToArray());
            message.Complete();
            if (i == 0)
                _root.Open(options: one).Dispose();
        }

        Assert.False(receiver.TryReceive(out _));
        Assert.Single(receiver.Statistics.Participants);
        Assert.Equal(["p1-1", "ring"], Inside.FilesOf(receiver.Path));
    }

    [Fact]
    public void Of_those_who_join_at_the_same_time_no_more_stay_than_may()
    {
        QueueOptions four = new() { MaxParticipants = 4, Blocks = 4, ArenaLimit = 0 };
        for (int round = 0; round < 20; round++)
        {
            MessageQueue?[] joined = new MessageQueue?[8];
            Thread[] joiners = [.. Enumerable.Range(0, joined.Length).Select(i => new Thread(() =>
            {
                try
                {
                    joined[i] = _root.Open(options: four);
                }
                catch (OneCopyException)
                {
                    // One of those for whom there was no place.
                }
            }))];
            Array.ForEach(joiners, j => j.Start());
            Array.ForEach(joiners, j => j.Join());
            MessageQueue[] stay = [.. joined.OfType<MessageQueue>()];
            Assert.InRange(stay.Length, 1, 4);
            Assert.Equal(stay.Length, stay[0].Statistics.Participants.Count);
            Assert.Equal(stay.Length, stay.Select(q => q.ParticipantIndex).Distinct().Count());
            Assert.Equal(stay.Length + 1, Inside.FilesOf(stay[0].Path).Length);
            Array.ForEach(stay, q => q.Dispose());
        }
    }

    [Fact]
    public async Task A_damaged_file_of_one_participant_keeps_nobody_from_joining()
    {
        using MessageQueue damaged = _root.Open();
        using (SafeFileHandle file = SafeFd.Open(damaged.Self().Path, OpenFlags.O_RDWR))
            RandomAccess.Write(file, new byte[8], ParticipantLayout.MagicOffset);
        using MessageQueue sender = _root.Open();
        using MessageQueue receiver = _root.Open();
        Task<ReceivedMessage> waiting = receiver.ReceiveAsync(Ct).AsTask();
        sender.Send([7], cancellationToken: Ct);
        using ReceivedMessage message = await waiting.WaitAsync(s_soon, Ct);
        Assert.Equal([7], message.ToArray());
        message.Complete();
    }

    [Theory]
    [InlineData("created", "t-")]
    [InlineData("named", "p2-")]
    public async Task The_file_of_a_process_that_was_killed_while_it_joined_is_removed_by_the_next_who_joins(string where, string name)
    {
        using MessageQueue queue = _root.Open("q");
        using ChildProcess joiner = ChildProcess.Start("queue-stop-joining", _root.Path, "q", where);
        string file = Path.Combine(queue.Path, await joiner.ReadLineAsync());
        Assert.StartsWith(name, Path.GetFileName(file), StringComparison.Ordinal);

        // Not as long as it may still get to its end.
        _root.Open("q").Dispose();
        Assert.True(File.Exists(file));
        joiner.Kill();
        Assert.True(File.Exists(file));
        _root.Open("q").Dispose();
        Assert.Equal(["p1-1", "ring"], Inside.FilesOf(queue.Path));
    }

    /// <summary>
    /// Participants that are dead, each with one message that waits: the first sent it and closed, the others are copies of it, put
    /// where they would have been.
    /// </summary>
    private void MakeDead(MessageQueue queue, Ring ring, int count)
    {
        MessageQueue first = _root.Open(options: new QueueOptions { Blocks = 1, ArenaLimit = 0 });
        first.Send([42], cancellationToken: Ct);
        BlockState state = first.Self().State(0);
        string path = first.Self().Path;
        first.Dispose();
        byte[] file = File.ReadAllBytes(path);
        for (int index = 3; index <= count + 1; index++)
        {
            long incarnation = ring.NextIncarnation();
            MemoryMarshal.Write(file.AsSpan(ParticipantLayout.IncarnationOffset), incarnation);
            BlockState own = state.To(Phase.Queued, index);
            MemoryMarshal.Write(file.AsSpan(ParticipantLayout.BlocksOffset), own.Bits);
            File.WriteAllBytes(Inside.DirectoryOf(queue).ParticipantPath(index, incarnation), file);
            ring.RaiseHighestIndex(index);
            Volatile.Write(ref ring.Entry(index), Entries.Dead(incarnation));
            Assert.True(ring.TryEnqueue(new MessageReference(index, 0, own.Generation & Cell.GenerationMask), NothingIsStale.Instance));
        }
    }

    private sealed class NothingIsStale : IStaleness
    {
        public static NothingIsStale Instance { get; } = new();

        public bool IsStale(MessageReference reference) => false;
    }
}
