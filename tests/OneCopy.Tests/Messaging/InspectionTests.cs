using System.Buffers.Binary;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Looks into a queue from outside: they see what is there, and leave nothing behind.</summary>
public sealed class InspectionTests : IDisposable
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private readonly TestRoot _root = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_queue_that_is_not_there_is_not_made()
    {
        Assert.False(MessageQueue.TryInspect("q", out QueueInspection? inspection, _root.Path));
        Assert.Null(inspection);
        Assert.False(Directory.Exists(_root.Path));
        Assert.Throws<ArgumentException>(() => MessageQueue.TryInspect("a/b", out _, _root.Path));
    }

    [Fact]
    public async Task A_look_changes_nothing_and_maps_for_reading_alone()
    {
        await using MessageQueue queue = _root.Open();
        queue.Send(new byte[100], null, Ct);
        queue.Send(new byte[5_000], null, Ct);
        using ReceivedMessage held = queue.Receive(s_soon, Ct);
        Task attached = queue.SendAsync(new byte[100_000], cancellationToken: Ct).AsTask();
        string before = Fingerprint(queue.Path);
        using (QueueInspection look = Look())
        {
            Assert.Equal(3, look.Messages(payloadBytes: 4096).Count);
            Assert.Equal(2, look.Statistics.Queued);
            Assert.Single(look.Participants);

            // This process maps the files twice: the handle to write, the look to read.
            string[] rights = [.. File.ReadLines("/proc/self/maps").Where(l => l.Contains(_root.Path, StringComparison.Ordinal)).Select(l => l.Split(' ')[1])];
            Assert.Equal(3, rights.Count(r => r is "r--s"));
            Assert.All(rights, r => Assert.True(r is "r--s" or "rw-s", r));
        }

        Assert.Equal(before, Fingerprint(queue.Path));
        Assert.DoesNotContain(File.ReadLines("/proc/self/maps"), l => l.Contains(_root.Path, StringComparison.Ordinal) && l.Contains("r--s", StringComparison.Ordinal));
        held.Complete();
        for (int i = 0; i < 2; i++)
        {
            using ReceivedMessage next = queue.Receive(s_soon, Ct);
            next.Complete();
        }

        await attached.WaitAsync(s_soon, Ct);
    }

    [Fact]
    public async Task Messages_are_seen_as_they_are_in_the_order_of_their_turn()
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { RingCapacity = 64 });

        // Round the ring several times, so that positions and cells differ.
        for (int i = 0; i < 150; i++)
        {
            queue.Send([1], null, Ct);
            queue.Receive(s_soon, Ct).Complete();
        }

        MessageProperties properties = new() { MessageId = "first", CorrelationId = "c", ContentType = "text/plain", Headers = { ["h"] = "v" } };
        queue.Send("small"u8, new SendOptions { Properties = properties }, Ct);
        byte[] large = new byte[5_000];
        TestProcess.QueueModes.Fill(large, 7);
        queue.Send(large, null, Ct);
        using ChildProcess sender = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000");
        Assert.Equal("sending", await sender.ReadLineAsync());
        Eventually.True(() => queue.Statistics.Queued == 3, "all wait");
        using QueueInspection look = Look();
        IReadOnlyList<InspectedMessage> all = look.Messages(payloadBytes: 64);
        Assert.Equal([5, 5_000, 1_000_000], all.Select(m => m.Length));
        Assert.Equal([Lane.Inline, Lane.Arena, Lane.Attached], all.Select(m => m.Lane));
        Assert.Equal([Environment.ProcessId, Environment.ProcessId, sender.Pid], all.Select(m => m.SenderPid));
        Assert.Equal([151, 152, 1], all.Select(m => m.SequenceNumber));
        Assert.All(all, m => Assert.Equal((MessageState.Waiting, 0, null, null), (m.State, m.Attempts, m.HolderPid, m.Expires)));
        Assert.All(all, m => Assert.InRange(DateTimeOffset.UtcNow - m.TimeSent, TimeSpan.Zero, ChildProcess.Bound));
        Assert.Equal("small"u8.ToArray(), all[0].Payload.ToArray());
        Assert.Equal(("first", "c", "text/plain", "v"), (all[0].Properties!.MessageId, all[0].Properties!.CorrelationId, all[0].Properties!.ContentType, all[0].Properties!.Headers["h"]));
        Assert.Equal(large[..64], all[1].Payload.ToArray());
        Assert.Equal(64, all[2].Payload.Length);
        Assert.True(TestProcess.QueueModes.IsFilled(all[2].Payload.Span), all[2].PayloadNotRead);
        Assert.Equal([all[0].Id, all[1].Id], look.Messages(most: 2).Select(m => m.Id), StringComparer.Ordinal);

        // Held: behind those that wait, with the one who holds it. Given back: at the end, with one attempt.
        using ReceivedMessage first = queue.Receive(s_soon, Ct);
        all = look.Messages();
        Assert.Equal((first.Id, MessageState.Held, 1, Environment.ProcessId), (all[2].Id, all[2].State, all[2].Attempts, all[2].HolderPid));
        Assert.Empty(all[2].Payload.ToArray());
        first.Abandon();
        all = look.Messages();
        Assert.Equal((first.Id, MessageState.Waiting, 1), (all[2].Id, all[2].State, all[2].Attempts));
    }

    [Fact]
    public async Task What_a_killed_process_leaves_is_seen_and_left_to_the_others()
    {
        using ChildProcess sender = ChildProcess.Start("queue-send", _root.Path, "q", "1", "100");
        Assert.Equal("sent", await sender.ReadLineAsync());
        using ChildProcess holder = ChildProcess.Start("queue-hold", _root.Path, "q");
        Assert.Equal("ready", await holder.ReadLineAsync());
        Assert.Equal("holding 100", await holder.ReadLineAsync());
        using ChildProcess attached = ChildProcess.Start("queue-attach", _root.Path, "q", "1000000");
        Assert.Equal("sending", await attached.ReadLineAsync());
        using QueueInspection look = Look();
        Assert.All(look.Participants, p => Assert.Equal((ParticipantState.Alive, "dotnet"), (p.State, p.ProcessName)));

        // All stand still first, so that none recovers another.
        ChildProcess[] children = [sender, holder, attached];
        foreach (ChildProcess child in children)
            child.Stop();
        Assert.All(look.Participants, p => Assert.Equal(ParticipantState.Alive, p.State));
        foreach (ChildProcess child in children)
            child.Kill();
        Assert.All(look.Participants, p => Assert.Equal((ParticipantState.NotRecovered, null), (p.State, p.ProcessName)));
        Assert.All(look.Statistics.Participants, p => Assert.False(p.IsAlive));
        IReadOnlyList<InspectedMessage> all = look.Messages(16);
        Assert.Equal((MessageState.Waiting, MessageState.Held), (all[0].State, all[1].State));
        Assert.Contains("the sender has ended", all[0].PayloadNotRead, StringComparison.Ordinal);
        Assert.Equal((null, 16), (all[1].PayloadNotRead, all[1].Payload.Length));

        await using MessageQueue queue = _root.Open();
        Eventually.True(() => look.Statistics is { Queued: 1, Leased: 0, LostWithSender: 1 }, "the dead are recovered");

        // Counted first, and then marked.
        ParticipantState[] states = [];
        Eventually.True(
            () => (states = [.. look.Participants.OrderBy(p => p.Incarnation).Select(p => p.State)]) is [ParticipantState.Left, ParticipantState.Alive],
            $"one has left and one is alive, not {string.Join(", ", states)}");
    }

    [Fact]
    public void The_numbers_are_those_of_a_participant()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { MaxDeliveryAttempts = 5 });
        using QueueInspection look = Look();
        using (MessageQueue gone = _root.Open())
        {
            gone.Send(new byte[10], null, Ct);
            gone.Send(new byte[2_000], null, Ct);
            gone.Receive(s_soon, Ct).Complete();
        }

        queue.Receive(s_soon, Ct).Abandon();
        queue.Receive(s_soon, Ct).DeadLetter("for a test", Ct);
        queue.Send(new byte[3], null, Ct);
        queue.Send(new byte[4], null, Ct);
        using ReceivedMessage held = queue.Receive(s_soon, Ct);
        QueueStatistics s = look.Statistics;
        Assert.Equal(queue.Statistics with { OldestAge = null, Participants = [], Downgrades = [] }, s with { OldestAge = null, Participants = [], Downgrades = [] });
        Assert.Equal((1, 1, 7), (s.Queued, s.Leased, s.BytesPending));
        Assert.Equal((1, 1, 1), (s.Abandoned, s.Redelivered, s.DeadLettered));
        Assert.Equal(new LaneTraffic(1, 10), s.Completed.Inline);
        Assert.Equal((new LaneTraffic(3, 17), new LaneTraffic(1, 2_000)), (s.Sent.Inline, s.Sent.Arena));
        Assert.Equal(queue.Statistics.Participants, s.Participants);
        Assert.Equal(new QueueGeometry(16384, 512, 128, 5, null, null), look.Geometry);
        Assert.True(look.Exists);
        held.Complete();
    }

    [Fact]
    public void A_deleted_queue_is_said_to_be_gone()
    {
        _root.Open().Dispose();
        using QueueInspection look = Look();
        Assert.True(look.Exists);
        Assert.True(MessageQueue.Delete("q", _root.Path));
        Assert.False(look.Exists);
        Assert.Empty(look.Messages());
        look.Dispose();
        Assert.Throws<ObjectDisposedException>(() => look.Messages());
    }

    [Fact]
    public async Task Nothing_is_mixed_up_while_others_send_and_receive()
    {
        const int count = 20_000;
        await using (_root.Open())
        using (ChildProcess consumer = ChildProcess.Start("queue-consume", _root.Path, "q", "1", $"{count}", "100000", Path.Combine(_root.Path, "account")))
        using (ChildProcess producer = ChildProcess.Start("queue-produce", _root.Path, "q", "0", $"{count}", "100000"))
        {
            Assert.Equal("ready", await consumer.ReadLineAsync());
            Assert.Equal("ready", await producer.ReadLineAsync());
            producer.WriteLine("go");
            Task<string> produced = producer.ReadLineAsync();
            using QueueInspection look = Look();
            HashSet<Lane> lanes = [];
            HashSet<string> ids = new(StringComparer.Ordinal);
            while (!produced.IsCompleted)
            {
                foreach (InspectedMessage m in look.Messages(payloadBytes: 16).Concat(look.Records(16, static (_, sequence, _) => sequence > 0)))
                {
                    ids.Add(m.Id);
                    if (m.Payload.Length < 16)
                        continue;
                    lanes.Add(m.Lane);
                    Assert.Equal(m.Length, BinaryPrimitives.ReadInt32LittleEndian(m.Payload.Span[8..]));
                    Assert.Equal(m.SequenceNumber, BinaryPrimitives.ReadInt32LittleEndian(m.Payload.Span[4..]) + 1);
                }
            }

            Assert.StartsWith("produced", await produced, StringComparison.Ordinal);
            Assert.True(ids.Count > 100, $"{ids.Count} messages were seen");
            Assert.Contains(Lane.Inline, lanes);
            consumer.WriteLine("stop");
            Assert.Equal($"consumed {count} 0", await consumer.ReadLineAsync());
        }
    }

    private QueueInspection Look() => MessageQueue.TryInspect("q", out QueueInspection? look, _root.Path) ? look : throw new InvalidOperationException("There is no queue.");

    /// <summary>All files with their contents, and the time of their last change. Opened by hand: .NET's own ways take the lock.</summary>
    private static string Fingerprint(string directory) => string.Join('\n', Inside.FilesOf(directory).Select(f =>
    {
        string path = Path.Combine(directory, f);
        using SafeFileHandle file = SafeFd.Open(path, OpenFlags.O_RDONLY);
        byte[] content = new byte[RandomAccess.GetLength(file)];
        Assert.Equal(content.Length, RandomAccess.Read(file, content, 0));
        return $"{f} {content.Length} {File.GetLastWriteTimeUtc(path):O} {Convert.ToHexString(SHA256.HashData(content))}";
    }));
}
