using OneCopy.Messaging;
using Xunit;

namespace OneCopy.Tests.Messaging;

/// <summary>What a participant remembers of refusals, and what it does not believe.</summary>
public sealed class AccessStateTests : IDisposable
{
    private readonly TestRoot _root = new();

    public void Dispose() => _root.Dispose();

    /// <summary>Rights change: what was refused is tried again after some seconds, and not before.</summary>
    [Fact]
    public void A_refusal_holds_for_ten_seconds()
    {
        AccessState state = new();
        Assert.True(state.MayBeTried);
        state.Refuse(1);
        Assert.Equal((false, PullAccess.Refused), (state.MayBeTried, state.Access));
        RefusedAtOf(state) -= 9_000_000_000;
        Assert.False(state.MayBeTried);
        RefusedAtOf(state) -= 2_000_000_000;
        Assert.True(state.MayBeTried);
        state.Allow();
        Assert.Equal((true, PullAccess.Allowed, null), (state.MayBeTried, state.Access, state.Refusal));
    }

    /// <summary>A file may say that it is ours, and even name our nonce; nothing is written to this process for it.</summary>
    [Fact]
    public async Task A_file_that_claims_to_be_this_process_is_not_believed()
    {
        await using MessageQueue queue = _root.Open();
        using ChildProcess other = ChildProcess.Start("queue-idle", _root.Path, "q");
        await other.ReadLineAsync();
        using Ring ring = queue.OpenRing();
        using (Participant open = Participant.Attach(Inside.DirectoryOf(queue), ring, 2, 2)!)
            Forge(open);
        using Participant forged = Participant.Attach(Inside.DirectoryOf(queue), ring, 2, 2)!;
        Assert.Equal(Environment.ProcessId, forged.Pid);
        Assert.Null(LocalHandles.Of(forged));
        Assert.NotNull(LocalHandles.Of(queue.Self()));
        Assert.Equal(AccessDenialReason.NoSuchProcess, new Peer(forged).RuleAgainst());
    }

    private static unsafe void Forge(Participant file) =>
        *(int*)(file.Refusals - ParticipantLayout.RefusalsOffset + ParticipantLayout.PidOffset) = Environment.ProcessId;

    /// <summary>What others wrote into the file is shown only as far as it can be, and counts go on beyond a full table.</summary>
    [Fact]
    public unsafe void A_table_of_refusals_is_bounded_and_checked()
    {
        byte[] bytes = new byte[RefusalTable.Length * 16];
        fixed (byte* table = bytes)
        {
            for (int i = 1; i <= 20; i++)
            {
                RefusalTable.Entry refusal = new(i, 100 + i, CopyDirection.Push, 1, AccessDenialReason.Yama, 1);
                for (int n = 0; n < 2 && (i < 16 || n == 0); n++)
                    RefusalTable.Add(table, refusal);
            }

            IReadOnlyList<RefusalTable.Entry> all = RefusalTable.All(table);
            Assert.Equal(16, all.Count);
            Assert.Equal([.. Enumerable.Range(1, 15), 20], all.Select(e => e.Peer).ToArray());
            Assert.All(all, e => Assert.Equal((100 + e.Peer, e.Peer < 16 ? 2u : 1u), (e.PeerPid, e.Count)));
            new Random(1).NextBytes(bytes);
            Assert.All(RefusalTable.All(table), e => Assert.InRange((int)e.Reason, 0, (int)AccessDenialReason.Unknown));
        }
    }

    [System.Runtime.CompilerServices.UnsafeAccessor(System.Runtime.CompilerServices.UnsafeAccessorKind.Field, Name = "_refusedAt")]
    private static extern ref long RefusedAtOf(AccessState state);
}
