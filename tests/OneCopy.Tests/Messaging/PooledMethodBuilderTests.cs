using System.Runtime.CompilerServices;
using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>Methods whose state is used again behave as any other asynchronous method: results, failures, cancellation, the context they run in.</summary>
public sealed class PooledMethodBuilderTests
{
    private static readonly AsyncLocal<int> s_ambient = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_method_that_has_its_result_at_once_is_complete()
    {
        ValueTask<int> sum = AddAsync(Task.FromResult(2), 3);
        Assert.True(sum.IsCompletedSuccessfully);
        Assert.Equal(5, await sum);
    }

    [Fact]
    public async Task Each_call_has_its_own_result_whatever_was_used_before()
    {
        // More at a time than are kept, in several rounds.
        for (int round = 0; round < 3; round++)
        {
            TaskCompletionSource<int>[] sources = [.. Enumerable.Range(0, 2 * StatePool<object>.Most).Select(_ => new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously))];
            Task<int>[] sums = [.. sources.Select((s, i) => AddAsync(s.Task, 10_000 * i).AsTask())];
            Assert.All(sums, s => Assert.False(s.IsCompleted));
            Parallel.For(0, sources.Length, i => sources[i].SetResult(i));
            Assert.Equal(Enumerable.Range(0, sources.Length).Select(i => 10_001 * i), await Task.WhenAll(sums).WaitAsync(TimeSpan.FromSeconds(10), Ct));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failure_is_the_callers(bool waits)
    {
        InvalidOperationException failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await FailAsync(waits, new InvalidOperationException("this one")));
        Assert.Equal("this one", failure.Message);
        Assert.Contains(nameof(FailAsync), failure.StackTrace, StringComparison.Ordinal);
        ValueTask cancelled = FailAsync(waits, new OperationCanceledException());
        Task task = cancelled.AsTask();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task);
        Assert.True(task.IsCanceled);
    }

    [Fact]
    public void One_that_became_complete_before_its_awaiter_registered_goes_on_in_the_pool_without_an_allocation()
    {
        PooledState<int> state = new();
        int number = 0;
        int went = 0;
        Action<object?> goOn = s => Volatile.Write(ref went, s is "state" && Thread.CurrentThread.IsThreadPoolThread ? number : -1);
        Assert.Equal(0, Allocations.Of(100, () =>
        {
            state.SetResult(++number);
            state.OnCompleted(goOn, "state", state.Version, System.Threading.Tasks.Sources.ValueTaskSourceOnCompletedFlags.None);
            SpinWait spin = default;
            for (long until = Environment.TickCount64 + 10_000; Volatile.Read(ref went) != number && Environment.TickCount64 < until;)
                spin.SpinOnce(sleep1Threshold: -1);
            if (Volatile.Read(ref went) != number || state.GetResult(state.Version) != number)
                Assert.Fail($"{went} of {number}");
        }));
    }

    [Fact]
    public async Task A_task_that_was_awaited_is_over()
    {
        ValueTask task = FailAsync(waits: true, null);
        ValueTask copy = task;
        await task;
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await copy);
        TaskCompletionSource<int> source = new();
        ValueTask<int> early = AddAsync(source.Task, 1);
        Assert.Throws<InvalidOperationException>(() => early.GetAwaiter().GetResult());
        source.SetResult(1);
        Assert.Equal(2, await early);
    }

    [Fact]
    public async Task The_callers_context_is_there_after_a_wait_and_what_a_method_changes_in_it_is_its_own()
    {
        s_ambient.Value = 7;
        TaskCompletionSource<int> source = new();
        ValueTask<int> ambient = ReadAmbientAsync(source.Task);
        Assert.Equal(7, s_ambient.Value);

        // Another context is current where it goes on.
        Task other = Task.Run(
            () =>
            {
                s_ambient.Value = 9;
                source.SetResult(0);
                Assert.Equal(9, s_ambient.Value);
            },
            Ct);
        Assert.Equal(8, await ambient);
        await other;
        Assert.Equal(7, s_ambient.Value);
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<int> AddAsync(Task<int> one, int other) => await one.ConfigureAwait(false) + other;

    [AsyncMethodBuilder(typeof(PooledMethodBuilder<>))]
    private static async ValueTask<int> ReadAmbientAsync(Task<int> until)
    {
        s_ambient.Value++;
        await until.ConfigureAwait(false);
        return s_ambient.Value;
    }

    [AsyncMethodBuilder(typeof(PooledMethodBuilder))]
    private static async ValueTask FailAsync(bool waits, Exception? failure)
    {
        if (waits)
            await Task.Yield();
        if (failure is not null)
            throw failure;
    }
}
