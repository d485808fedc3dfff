using OneCopy.Cli.Processes;

namespace OneCopy.Cli.Doctor;

/// <summary>Two processes of the tool, each of which reads the other one's memory and writes to it: what no setting can say for certain.</summary>
internal static class PullChecks
{
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(30);

    public static async Task<IReadOnlyList<Check>> AllAsync(CancellationToken ct)
    {
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(s_bound);
        try
        {
            using WorkerProcess one = WorkerProcess.Start("doctor's first process", DoctorCommand.WorkerName);
            using WorkerProcess other = WorkerProcess.Start("doctor's second process", DoctorCommand.WorkerName);
            string[] secretOfOne = await one.ExpectAsync("secret", late.Token);
            string[] secretOfOther = await other.ExpectAsync("secret", late.Token);
            return
            [
                await PullAsync("pull, second from first", other, one, secretOfOne, late.Token),
                await PullAsync("pull, first from second", one, other, secretOfOther, late.Token),
                await PushAsync("push, first to second", one, other, secretOfOther, late.Token),
                await PushAsync("push, second to first", other, one, secretOfOne, late.Token),
            ];
        }
        catch (Exception e) when (!ct.IsCancellationRequested && e is IOException or OperationCanceledException or System.ComponentModel.Win32Exception)
        {
            ct.ThrowIfCancellationRequested();
            string what = e is OperationCanceledException ? $"The processes did not answer within {s_bound.TotalSeconds:0} seconds." : e.Message;
            return [Check.Warning("pull", "not tried", what, "Start the tool as 'onecopy' or with 'dotnet', so that it can start itself again.")];
        }
    }

    private static async Task<Check> PushAsync(string name, WorkerProcess writer, WorkerProcess target, string[] secret, CancellationToken ct)
    {
        await writer.SayAsync($"push {target.Pid} {secret[0]}", ct);
        switch (await writer.HearAsync(ct))
        {
            case ["denied", string why, string remedy]:
                return Check.Warning(name, "refused", $"{Uri.UnescapeDataString(why)} Where the pull is refused too, large messages go through shared memory.", Uri.UnescapeDataString(remedy));
            case ["put", string bytes, string method]:
                await target.SayAsync("show", ct);
                if (!string.Equals(bytes, (await target.ExpectAsync("is", ct))[0], StringComparison.Ordinal))
                    break;
                return string.Equals(method, nameof(TransferMethod.ProcessVm), StringComparison.Ordinal)
                    ? Check.Ok(name, "works: 32 random bytes were written")
                    : Check.Warning(name, "only through /proc/PID/mem", "process_vm_writev is blocked, and queues use nothing else.", "Allow process_vm_readv and process_vm_writev in the seccomp profile.");
        }

        return Check.Problem(name, "other bytes", "The call succeeded, and what is there is not what it wrote.", "Report this with the kernel's version and the container runtime's.");
    }

    private static async Task<Check> PullAsync(string name, WorkerProcess reader, WorkerProcess target, string[] secret, CancellationToken ct)
    {
        await reader.SayAsync($"pull {target.Pid} {secret[0]}", ct);
        return await reader.HearAsync(ct) switch
        {
            ["got", string bytes, string method] when string.Equals(bytes, secret[1], StringComparison.Ordinal) =>
                string.Equals(method, nameof(TransferMethod.ProcessVm), StringComparison.Ordinal)
                    ? Check.Ok(name, "works: 32 secret bytes were read")
                    : Check.Warning(name, "only through /proc/PID/mem", "process_vm_readv is blocked, and queues use nothing else; large messages go through shared memory.",
                        "Allow process_vm_readv and process_vm_writev in the seccomp profile."),
            ["denied", string why, string remedy] => Check.Warning(name, "refused",
                $"{Uri.UnescapeDataString(why)} Large messages go through shared memory, with two copies.", Uri.UnescapeDataString(remedy)),
            _ => Check.Problem(name, "other bytes", "The call succeeded, and what it read is not what is there.", "Report this with the kernel's version and the container runtime's."),
        };
    }
}
