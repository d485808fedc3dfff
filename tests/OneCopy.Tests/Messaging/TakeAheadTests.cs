using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>The next message's block is taken when one was sent: it is missing to nobody, and free again when its handle closes.</summary>
public sealed class TakeAheadTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void After_a_send_the_next_block_is_filling_and_the_next_message_goes_there()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 4 });
        queue.Send([1]);
        Assert.Equal([Phase.Queued, Phase.Filling, Phase.Free, Phase.Free], PhasesOf(queue));
        uint generation = queue.Self().State(1).Generation;
        queue.Send([2]);
        Assert.Equal([Phase.Queued, Phase.Queued, Phase.Filling, Phase.Free], PhasesOf(queue));
        Assert.Equal(generation, queue.Self().State(1).Generation);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task As_many_messages_are_under_way_as_there_are_blocks_whatever_sends_them(int blocks)
    {
        await using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = blocks });
        for (int round = 0; round < 7; round++)
        {
            for (int i = 0; i < blocks; i++)
            {
                byte[] payload = [(byte)round, (byte)i];
                switch ((round + i) % 4)
                {
                    case 0:
                        Assert.True(queue.TrySend(payload));
                        break;
                    case 1:
                        queue.Send(payload);
                        break;
                    case 2:
                        await queue.SendAsync(payload, cancellationToken: TestContext.Current.CancellationToken);
                        break;
                    default:
                        SendBuffer buffer = queue.Rent(payload.Length);
                        payload.CopyTo(buffer.Span);
                        queue.Send(buffer);
                        break;
                }
            }

            Assert.False(queue.TrySend([0]));
            for (int i = 0; i < blocks; i++)
            {
                Assert.True(queue.TryReceive(out ReceivedMessage message));
                Assert.Equal([(byte)round, (byte)i], message.ToArray());
                message.Complete();
            }
        }
    }

    [Fact]
    public void A_rented_buffer_that_is_given_back_and_one_more_message_leave_no_block_behind()
    {
        using MessageQueue queue = _root.Open(options: new QueueOptions { Blocks = 3 });
        queue.Send([1]);
        queue.Rent(10).Dispose();
        queue.Send([2]);
        queue.Send([3]);
        Assert.False(queue.TrySend([4]));
        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => Take(queue)));
        Assert.True(queue.TrySend([4]));
    }

    [Fact]
    public void A_handle_that_closes_frees_it_so_that_its_file_can_go()
    {
        using MessageQueue receiver = _root.Open();
        MessageQueue sender = _root.Open();
        int index = sender.Self().Index;
        sender.Send([1]);
        sender.Dispose();
        Assert.Equal(1, Take(receiver));
        Assert.DoesNotContain(Inside.FilesOf(receiver.Path), f => f.StartsWith($"p{index}-", StringComparison.Ordinal));
    }

    private static int Take(MessageQueue queue)
    {
        Assert.True(queue.TryReceive(out ReceivedMessage message));
        int value = message.ToArray()[0];
        message.Complete();
        return value;
    }

    private static Phase[] PhasesOf(MessageQueue queue) => [.. Enumerable.Range(0, queue.Self().BlockCount).Select(b => queue.Self().State(b).Phase)];
}
