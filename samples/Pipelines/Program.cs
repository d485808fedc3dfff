using Pipelines;

switch (args)
{
    case ["write", string queue, string count]:
        await Lines.WriteAsync(queue, int.Parse(count));
        return 0;
    case ["read", string queue]:
        Console.WriteLine(await Lines.ReadAsync(queue));
        return 0;
    default:
        Console.Error.WriteLine("Usage: Pipelines write QUEUE COUNT | read QUEUE");
        return 2;
}
