using System.Globalization;
using Microsoft.Win32.SafeHandles;
using OneCopy.Interop;
using OneCopy.Memory;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Payloads in a pool's buffers, which the receiver maps, and into such, which the sender maps: copied without the kernel's help.</summary>
public sealed class MappedBufferTests : IDisposable
{
    private const int Length = 3_000_000;
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    /// <summary>The first message between two handles is pulled; the next ones are not.</summary>
    [Theory]
    [InlineData("pooled", "pooled")]
    [InlineData("pooled", "plain")]
    [InlineData("plain", "pooled")]
    public async Task From_one_process_to_another(string source, string target)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("6", target);
        using ChildProcess sender = await SenderAsync("6", source, "blocking");
        for (int i = 0; i < 6; i++)
        {
            Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
            Assert.Equal("sent", await sender.ReadLineAsync());
        }

        QueueStatistics s = queue.Statistics;
        Assert.Equal((6, source is "pooled" ? 5 : 0, 0, 0), (s.Pulled, s.CopiedFromMapping, s.Pushed, s.Moved));
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>By the kernel the first time, which says that it may; then it maps the receiver's buffer.</summary>
    [Theory]
    [InlineData("blocking")]
    [InlineData("awaited")]
    public async Task The_sender_writes_what_the_receiver_has_not_taken(string how)
    {
        Requires.NoYama();
        await using MessageQueue queue = _root.Open();
        using ChildProcess receiver = await ReceiverAsync("3", "pooled", "wait-at=both.take:*");
        using ChildProcess sender = await SenderAsync("3", "pooled", how);
        Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        for (int i = 1; i < 3; i++)
        {
            Assert.Equal("at both.take", await receiver.ReadLineAsync());
            Eventually.True(() => queue.Statistics.PushedBytes >= i * Length, "the sender has written all of it");
            Assert.InRange(File.ReadLines($"/proc/{sender.Pid}/maps").Count(IsBuffer), i, 2);
            receiver.WriteLine("go on");
            Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
        }

        QueueStatistics s = queue.Statistics;
        Assert.Equal((3, 2, 2), (s.Pulled, s.CopiedFromMapping, s.CopiedByBoth));
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>It is dead, but its buffer is still there: what it took is copied again out of that, or the message is lost with it. Never anything else.</summary>
    [Fact]
    public async Task A_sender_that_is_killed_in_the_middle_keeps_nobody_waiting()
    {
        Requires.NoYama();
        (ChildProcess receiver, ChildProcess sender) = await AtMappedPieceAsync();
        using (receiver)
        using (sender)
        {
            sender.Kill();
            string end = await TakeTheRestAsync(receiver);
            Assert.True(end is "got 3000000 Attached ok 1" || end.StartsWith("MessageLostException", StringComparison.Ordinal), end);
            await receiver.ReadLineAsync();
            receiver.Finish();
        }
    }

    /// <summary>It has taken a piece, and may write there at any time: nobody gets the buffer before it has said that it is done.</summary>
    [Fact]
    public async Task A_sender_that_is_stopped_with_a_piece_is_waited_for()
    {
        Requires.NoYama();
        (ChildProcess receiver, ChildProcess sender) = await AtMappedPieceAsync();
        using (receiver)
        using (sender)
        {
            sender.Stop();
            await Assert.ThrowsAsync<TimeoutException>(() => TakeTheRestAsync(receiver, TimeSpan.FromMilliseconds(300)));
            sender.Continue();
            sender.WriteLine("go on");

            // On a crowded machine it was not yet at its last piece.
            string line = await receiver.ReadLineAsync();
            Assert.Equal($"got {Length} Attached ok 1", line is "at both.take" ? await TakeTheRestAsync(receiver) : line);
            Assert.Equal("sent", await sender.ReadLineAsync());
            receiver.Finish();
            sender.Finish();
        }
    }

    /// <summary>Each buffer is unmapped after its message, and the next one mostly has its address, and its descriptor's number: what is mapped of the former is not taken for it.</summary>
    [Fact]
    public async Task A_buffer_at_the_same_place_is_another_buffer()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { MaxKeptBytes = 0 });
        byte[] copy = new byte[Length];
        HashSet<nint> places = [];
        for (int i = 0; i < 40; i++)
        {
            PooledBuffer buffer = pool.RentBuffer(Length);
            places.Add(AddressOf(buffer));
            buffer.Span.Fill((byte)i);
            await TransferAsync(sender, receiver, buffer.Memory, copy);
            Assert.True(copy.AsSpan().IndexOfAnyExcept((byte)i) < 0, $"message {i} is its own");
            buffer.Dispose();
        }

        Assert.InRange(places.Count, 1, 39);
        Assert.Equal(39, receiver.Statistics.CopiedFromMapping);
    }

    [Fact]
    public async Task More_buffers_than_are_kept_mapped()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using OneCopyMemoryPool pool = new();
        PooledBuffer[] buffers = [.. Enumerable.Range(0, 40).Select(_ => pool.RentBuffer(200_000))];
        byte[] copy = new byte[200_000];
        for (int round = 0; round < 3; round++)
        {
            for (int i = 0; i < buffers.Length; i++)
            {
                buffers[i].Span.Fill((byte)(i + round));
                await TransferAsync(sender, receiver, buffers[i].Memory, copy);
                Assert.True(copy.AsSpan().IndexOfAnyExcept((byte)(i + round)) < 0, $"message {i} of round {round} is its own");
            }
        }

        Assert.InRange(buffers.Sum(CountMaps), 41, 40 + 32);
        Assert.Equal(119, receiver.Statistics.CopiedFromMapping);
        foreach (PooledBuffer buffer in buffers)
            buffer.Dispose();
    }

    [Fact]
    public async Task Closing_unmaps_them()
    {
        using OneCopyMemoryPool pool = new();
        using PooledBuffer buffer = pool.RentBuffer(200_000);
        await using (MessageQueue sender = _root.Open())
        {
            await using MessageQueue receiver = _root.Open();
            for (int i = 0; i < 3; i++)
                await TransferAsync(sender, receiver, buffer.Memory, new byte[200_000]);
            Assert.Equal(2, CountMaps(buffer));
        }

        Eventually.True(() => CountMaps(buffer) == 1, "the receiver's map is gone");
    }

    [Fact]
    public async Task A_pool_that_is_not_shared_is_pulled_from()
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { Shared = false });
        using PooledBuffer buffer = pool.RentBuffer(Length);
        buffer.Span.Fill(9);
        byte[] copy = new byte[Length];
        for (int i = 0; i < 2; i++)
            await TransferAsync(sender, receiver, buffer.Memory, copy);
        Assert.True(copy.AsSpan().IndexOfAnyExcept((byte)9) < 0, "it is whole");
        Assert.Equal((2, 0), (receiver.Statistics.Pulled, receiver.Statistics.CopiedFromMapping));
    }

    /// <summary>A part of a buffer, from any byte to any.</summary>
    [Theory]
    [InlineData(1, 150_001)]
    [InlineData(4095, 400_000)]
    [InlineData(Length - 140_000, 140_000)]
    public async Task A_part_of_a_buffer_into_a_part_of_another(int offset, int length)
    {
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using PooledBuffer source = OneCopyMemoryPool.Shared.RentBuffer(Length);
        using PooledBuffer target = OneCopyMemoryPool.Shared.RentBuffer(Length);
        for (int i = 0; i < 3; i++)
        {
            TestProcess.QueueModes.Fill(source.GetSpan(offset, length), i);
            target.Span.Fill(0xEE);
            ValueTask send = sender.SendAsync(source.Memory.Slice(offset, length), cancellationToken: TestContext.Current.CancellationToken);
            using (ReceivedMessage message = receiver.Receive(s_soon, TestContext.Current.CancellationToken))
            {
                message.CopyTo(target.GetSpan(Length - length - 3, length));
                message.Complete();
            }

            await send;
            Assert.True(source.GetSpan(offset, length).SequenceEqual(target.GetSpan(Length - length - 3, length)), "it is whole");
            Assert.True(target.GetSpan(0, Length - length - 3).IndexOfAnyExcept((byte)0xEE) < 0 && target.GetSpan(Length - 3, 3).IndexOfAnyExcept((byte)0xEE) < 0, "nothing beside it");
        }

        Assert.Equal(2, receiver.Statistics.CopiedFromMapping);
    }

    /// <summary>What a name leads to is believed only if it says the same of itself: not another file, nor one that can be made shorter.</summary>
    [Fact]
    public unsafe void A_name_that_leads_elsewhere_is_nothing()
    {
        using OneCopyMemoryPool pool = new();
        using PooledBuffer buffer = pool.RentBuffer(100_000);
        SharedName name = NameOf(buffer);
        PeerMappings mappings = new(Environment.ProcessId);
        Assert.NotNull(mappings.Take(name, writable: true));
        Assert.Null(mappings.Take(new SharedName(Guid.NewGuid(), name.Fd), writable: false));
        Assert.Null(mappings.Take(new SharedName(Guid.NewGuid(), -1), writable: false));
        Assert.Null(mappings.Take(default, writable: false));

        // A pipe that nobody writes to, and a sealed and an unsealed file without a label.
        using System.IO.Pipes.AnonymousPipeServerStream pipe = new(System.IO.Pipes.PipeDirection.In);
        Assert.Null(mappings.Take(new SharedName(Guid.NewGuid(), (int)pipe.SafePipeHandle.DangerousGetHandle()), writable: false));
        using SafeFileHandle file = SafeFd.Of(Memfd.memfd_create("test", Memfd.MFD_ALLOW_SEALING));
        FileLength.ftruncate(file.Fd(), 100_000).OrThrow("ftruncate");
        Assert.Null(mappings.Take(new SharedName(Guid.NewGuid(), file.Fd()), writable: false));
        Descriptor.fcntl(file.Fd(), Descriptor.F_ADD_SEALS, Memfd.F_SEAL_SHRINK).OrThrow("fcntl");
        Assert.Null(mappings.Take(new SharedName(Guid.NewGuid(), file.Fd()), writable: false));
        Assert.Null(mappings.Take(new SharedName(Guid.Empty, file.Fd()), writable: false));
        mappings.Clear();
    }

    /// <summary>Given back to the system, it takes no memory any more, though others have it mapped.</summary>
    [Fact]
    public unsafe void A_buffer_that_is_gone_is_empty_for_those_who_have_it_mapped()
    {
        using OneCopyMemoryPool pool = new(new OneCopyMemoryPoolOptions { MaxKeptBytes = 0 });
        PooledBuffer buffer = pool.RentBuffer(Length);
        buffer.Span.Fill(1);
        PeerMappings mappings = new(Environment.ProcessId);
        PeerMapping mapping = mappings.Take(NameOf(buffer), writable: false)!;
        byte* there = mapping.At((nuint)buffer.Pointer, Length);
        Assert.True(new Span<byte>(there, Length).IndexOfAnyExcept((byte)1) < 0, "it is the buffer");
        Assert.True(mapping.At((nuint)buffer.Pointer, ulong.MaxValue) is null, "longer than the buffer");
        Assert.True(mapping.At((nuint)buffer.Pointer - 1, 1) is null, "before the buffer");
        Assert.InRange(Memory.MappingOf.Address(there)!.Bytes("Rss"), Length, long.MaxValue);
        buffer.Dispose();
        Assert.Equal(0, Memory.MappingOf.Address(there)!.Bytes("Rss"));
        mappings.Clear();
    }

    /// <summary>Whoever is held up in the middle of a copy into it writes to pages that are nobody's any more.</summary>
    [Fact]
    public unsafe void Bytes_that_are_taken_away_are_written_by_nobody_else()
    {
        using OneCopyMemoryPool pool = new();
        PooledBuffer buffer = pool.RentBuffer(Length);
        TestProcess.QueueModes.Fill(buffer.Span, 3);
        SharedName name = NameOf(buffer);
        PeerMappings mappings = new(Environment.ProcessId);
        PeerMapping mapping = mappings.Take(name, writable: true)!;
        PoolMapping own = SharedBuffers.TryPin(buffer.Pointer, Length, out uint rental)!;
        own.Detach(buffer.Pointer + 100_001, 200_000);
        own.Unpin(rental);
        Assert.True(TestProcess.QueueModes.IsFilled(buffer.Span), "nothing has changed for its owner");
        new Span<byte>(mapping.At((nuint)buffer.Pointer, Length), Length).Fill(0xEE);
        Assert.True(IsAsFilled(buffer.GetSpan(100_001, 200_000), 100_001, 3), "what was taken away");
        Assert.Equal(0xEE, buffer.Span[50_000]);
        Assert.True(NameOf(buffer).IsNone, "it is no longer shared");
        buffer.Dispose();
        Assert.Equal(0, pool.Statistics.KeptBuffers);
        mappings.Clear();
    }

    /// <summary>A tag that somebody writes into the file again leads to no place: neither in the buffer's label nor in the process.</summary>
    [Fact]
    public async Task A_place_is_forgotten_when_its_copy_is_over()
    {
        Requires.NoYama();
        await using MessageQueue sender = _root.Open();
        await using MessageQueue receiver = _root.Open();
        using PooledBuffer source = OneCopyMemoryPool.Shared.RentBuffer(Length);
        using PooledBuffer target = OneCopyMemoryPool.Shared.RentBuffer(Length);
        ulong before = OwnPostings.NextTag();
        Eventually.True(
            () =>
            {
                Task send = Task.Run(() => sender.SendUntilCompleted(source.Span));
                using (ReceivedMessage message = receiver.Receive(s_soon))
                {
                    message.CopyTo(target.Span);
                    message.Complete();
                }

                send.GetAwaiter().GetResult();
                return receiver.Statistics.CopiedByBoth > 0;
            },
            "both copied");
        ulong after = OwnPostings.NextTag();
        Assert.True(after > before + 1, "something was posted");
        for (ulong tag = before; tag < after; tag++)
            Assert.False(HasPlace(target, tag), $"tag {tag}");
    }

    [Fact]
    public void A_mapping_of_which_pages_are_lost_is_not_used_any_more()
    {
        using OneCopyMemoryPool pool = new();
        using PooledBuffer buffer = pool.RentBuffer(100_000);
        PeerMappings mappings = new(Environment.ProcessId);
        PeerMapping mapping = mappings.Take(NameOf(buffer), writable: false)!;
        Assert.False(mapping.IsDamaged);
        mapping.Memory!.MarkDamaged();
        Assert.True(mapping.IsDamaged, "who is copying sees it");
        Assert.Null(mappings.Take(NameOf(buffer), writable: false));
        Assert.NotNull(mappings.Take(NameOf(buffer), writable: true));
        mappings.Clear();
    }

    /// <summary>Where nobody has said from which length on: what is waited for is copied once. A copy below the threshold is what was asked for otherwise, and no rule forbids it.</summary>
    [Theory]
    [InlineData("pooled", "blocking", "Attached")]
    [InlineData("plain", "blocking", "Arena")]
    [InlineData("pooled", "survive", "Arena")]
    public async Task A_short_payload_in_a_buffer_is_attached_if_it_is_waited_for(string source, string how, string lane)
    {
        using ChildProcess receiver = await ReceiverAsync("1", "plain");
        using ChildProcess sender = ChildProcess.StartProgram(
            "env", "-u", AttachThreshold.Variable, $"XDG_CACHE_HOME={_root.Path}", DotnetHost.Path, ChildProcess.TestProcessPath, "lane-send", _root.Path, "q", "1", "20000", "required", source,
            how, how is "survive" ? "blocking" : "");
        Assert.Equal("open", await sender.ReadLineAsync());
        Assert.Equal($"got 20000 {lane} ok 1", await receiver.ReadLineAsync());
        Assert.Equal("sent", await sender.ReadLineAsync());
        receiver.Finish();
        sender.Finish();
    }

    /// <summary>A buffer is found by any of its bytes, and by none beside it.</summary>
    [Fact]
    public unsafe void Buffers_are_found_by_their_addresses()
    {
        using OneCopyMemoryPool pool = new();
        PooledBuffer[] buffers = [.. Enumerable.Range(0, 9).Select(i => pool.RentBuffer(20_000 * (i + 1)))];
        foreach (PooledBuffer buffer in buffers)
        {
            long capacity = SizeClass.Of(buffer.Length).Capacity;
            foreach ((long offset, ulong length, bool isFound) in new (long, ulong, bool)[]
            {
                (0, 1, true), (0, (ulong)capacity, true), (capacity - 1, 1, true), (5, 100, true), (0, (ulong)capacity + 1, false), (capacity - 1, 2, false), (1, ulong.MaxValue, false),
            })
            {
                PoolMapping? found = SharedBuffers.TryPin(buffer.Pointer + offset, length, out uint rental);
                Assert.Equal(isFound, found is not null);
                found?.Unpin(rental);
            }
        }

        byte* first = buffers[0].Pointer;
        byte here;
        Assert.Null(SharedBuffers.TryPin(&here, 1, out _));
        buffers[0].Dispose();
        Assert.Null(SharedBuffers.TryPin(first, 1, out _));
        foreach (PooledBuffer buffer in buffers)
            buffer.Dispose();
    }

    private static async Task TransferAsync(MessageQueue sender, MessageQueue receiver, ReadOnlyMemory<byte> payload, byte[] copy)
    {
        ValueTask send = sender.SendAsync(payload, cancellationToken: TestContext.Current.CancellationToken);
        using (ReceivedMessage message = receiver.Receive(s_soon, TestContext.Current.CancellationToken))
        {
            Assert.Equal(Lane.Attached, message.Lane);
            message.CopyTo(copy);
            message.Complete();
        }

        await send;
    }

    private static unsafe bool HasPlace(PooledBuffer buffer, ulong tag) => PostedPlace.TryReadFrom(new SharedLabel(buffer.Pointer + SizeClass.Of(buffer.Length).Capacity), tag, out _);

    private static bool IsAsFilled(ReadOnlySpan<byte> part, int offset, int seed)
    {
        byte[] whole = new byte[offset + part.Length];
        TestProcess.QueueModes.Fill(whole, seed);
        return part.SequenceEqual(whole.AsSpan(offset));
    }

    private static unsafe nint AddressOf(PooledBuffer buffer) => (nint)buffer.Pointer;

    private static unsafe SharedName NameOf(PooledBuffer buffer)
    {
        PoolMapping mapping = SharedBuffers.TryPin(buffer.Pointer, 1, out uint rental)!;
        mapping.Unpin(rental);
        return mapping.Name;
    }

    private static bool IsBuffer(string line) => line.Contains("memfd:onecopy-buffer", StringComparison.Ordinal);

    /// <summary>Of this process: its owner's is one.</summary>
    private static int CountMaps(PooledBuffer buffer)
    {
        Stat.Of(NameOf(buffer).Fd, out statx status).OrThrow("statx");
        string inode = status.stx_ino.ToString(CultureInfo.InvariantCulture);
        return File.ReadLines("/proc/self/maps").Where(IsBuffer).Count(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4].Equals(inode, StringComparison.Ordinal));
    }

    /// <summary>
    /// The third message, of which the receiver is about to take its first piece, and the sender to copy its own into the mapping: it takes all of the second one, by the kernel until it knows that it may.
    /// </summary>
    private async Task<(ChildProcess Receiver, ChildProcess Sender)> AtMappedPieceAsync()
    {
        int pieces = PostingLayout.PiecesOf(Length, PostingLayout.MappedPieceLength(Length));
        ChildProcess receiver = await ReceiverAsync("3", "pooled", "wait-at=both.take:*");
        ChildProcess sender = await SenderAsync("3", "pooled", "blocking", $"wait-at=help.push:{pieces + 1}");
        for (int i = 0; i < 2; i++)
        {
            if (i > 0)
            {
                Assert.Equal("at both.take", await receiver.ReadLineAsync());
                await using MessageQueue queue = _root.Open();
                Eventually.True(() => queue.Statistics.PushedBytes >= Length, "the sender has written all of it");
                receiver.WriteLine("go on");
            }

            Assert.Equal($"got {Length} Attached ok 1", await receiver.ReadLineAsync());
            Assert.Equal("sent", await sender.ReadLineAsync());
        }

        Assert.Equal("at both.take", await receiver.ReadLineAsync());
        Assert.Equal("at help.push", await sender.ReadLineAsync());
        Assert.Equal(2, File.ReadLines($"/proc/{sender.Pid}/maps").Count(IsBuffer));
        return (receiver, sender);
    }

    /// <summary>Its next line after it has taken all that the sender has not.</summary>
    private static async Task<string> TakeTheRestAsync(ChildProcess receiver, TimeSpan? bound = null)
    {
        while (true)
        {
            receiver.WriteLine("go on");
            string line = await receiver.ReadLineAsync(bound);
            if (line is not "at both.take")
                return line;
        }
    }

    private async Task<ChildProcess> ReceiverAsync(string count, string target, params string[] steps)
    {
        ChildProcess receiver = ChildProcess.Start("lane-receive", [.. steps, _root.Path, "q", count, target]);
        Assert.Equal("open", await receiver.ReadLineAsync());
        return receiver;
    }

    private async Task<ChildProcess> SenderAsync(string count, string source, string how, params string[] steps)
    {
        ChildProcess sender = ChildProcess.Start("lane-send", [.. steps, _root.Path, "q", count, $"{Length}", source, how]);
        Assert.Equal("open", await sender.ReadLineAsync());
        return sender;
    }
}
